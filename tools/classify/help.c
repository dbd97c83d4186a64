/* SPDX-License-Identifier: Apache-2.0 */
/* Help that teaches by example, and the version with engine and limits. */

#include "help.h"

#include <stdio.h>
#include <string.h>

#include <classify/classify.h>

static const char general[] =
	"classify - from the log of a failed build to its cause\n"
	"\n"
	"usage: classify COMMAND [OPTION]... [ARGUMENT]...\n"
	"\n"
	"  scan PATH...        what failed, which line shows it, why, and what to do\n"
	"  explain LOG         the verdict with all its candidates, and why each lost\n"
	"  explain --rule ID   the runbook of a rule\n"
	"  match 'LINE'        which rules match one line, and what they capture\n"
	"  compile             rules in their compiled form, for 'scan --database'\n"
	"  rules list          the rules there are\n"
	"  rules check         faults in rule files, as file:line:col: message\n"
	"  rules test          every example of every rule, through both engines\n"
	"\n"
	"examples:\n"
	"  kubectl logs job/build-42 | classify scan -\n"
	"  classify scan failed/ -o markdown > ticket.md\n"
	"  classify scan --exit-code build.log || echo 'the build failed'\n"
	"  classify rules test --rules my-rules/\n"
	"\n"
	"'classify COMMAND --help' tells more; so does classify(1).\n";

static const char scan[] =
	"usage: classify scan [OPTION]... PATH...\n"
	"\n"
	"Reads logs (files, folders, '-' for standard input; plain or gzip) and prints a verdict for each.\n"
	"\n"
	"  -r, --rules PATH    rule file or folder, in place of the shipped packs; may be repeated;\n"
	"                      'default' names the shipped packs\n"
	"  -o, --output FORMAT text (default), jsonl (one object a log), json (one document),\n"
	"                      markdown (pastes into a ticket; redacted)\n"
	"      --matches       one JSON object for each match, not a verdict for each log\n"
	"      --context N     N lines around the line that shows it (up to 20; text and markdown)\n"
	"      --redact        hide tokens, keys, passwords and e-mail addresses; --no-redact shows them\n"
	"      --exit-code     exit 1 when a log failed\n"
	"      --no-unwrap     match raw lines only, not the messages inside wrappers\n"
	"      --database FILE a ruleset that 'classify compile' wrote, in place of rules\n"
	"      --cache DIR     where compiled rules are kept (default: classify/ in XDG_CACHE_HOME or\n"
	"                      ~/.cache); --no-cache keeps none\n"
	"      --profile       what each rule and each stage cost, on standard error\n"
	"      --engine NAME   auto (default), or pcre2: no engine, slow, the second opinion\n"
	"  -q, --quiet         no notes; the text format prints one line a log\n"
	"  -h, --help          this text\n"
	"\n"
	"examples:\n"
	"  classify scan build.log\n"
	"  kubectl logs job/build-42 --all-containers | classify scan --context 3 -\n"
	"  classify scan archive/ -o jsonl | jq -r 'select(.outcome==\"failed\") | .category' | sort | uniq -c\n"
	"  classify scan --rules default --rules my-rules/ build.log.gz\n"
	"\n"
	"exit: 0 done; 1 with --exit-code, a log failed; 2 wrong usage, or an input that could not be read\n"
	"in full; 3 a rule was left out or none loaded. The highest that applies; the output is complete.\n";

static const char explain[] =
	"usage: classify explain [--rules PATH]... [--redact] LOG\n"
	"       classify explain [--rules PATH]... --rule ID\n"
	"\n"
	"Explains the verdict for a log: the line, what chose it, and up to 20 other candidates, each with\n"
	"the reason why it lost. With --rule, prints a rule and its runbook. --redact hides secrets.\n"
	"\n"
	"examples:\n"
	"  classify explain build.log\n"
	"  classify explain --rule kaniko-run-failed\n";

static const char match[] =
	"usage: classify match [--rules PATH]... [-o text|jsonl] [--no-unwrap] 'LINE'\n"
	"\n"
	"Says which rules match one line ('-' reads lines from standard input) and what they capture.\n"
	"\n"
	"example:\n"
	"  classify match 'error building image: parsing dockerfile: file with no instructions'\n"
	"\n"
	"exit: 0 a rule matched; 1 none did.\n";

static const char compile[] =
	"usage: classify compile [--rules PATH]... --output FILE [PATH]...\n"
	"\n"
	"Compiles rules (the shipped packs if none are named) into one file for 'classify scan --database'.\n"
	"The file is of use for the same version of classify and its engine, on the same kind of processor;\n"
	"elsewhere it works too, but is compiled anew each time. It is believed only if nobody else can\n"
	"write to it.\n"
	"\n"
	"example:\n"
	"  classify compile --rules my-rules/ -o my.clsfrs && classify scan --database my.clsfrs build.log\n";

static const char rules[] =
	"usage: classify rules list|check|test [--rules PATH]... [-o text|jsonl]\n"
	"\n"
	"  list     the rules: id, category, role, title; with -o jsonl one object a rule\n"
	"  check    reports every fault as file:line:col: message, with the line and a caret (not with\n"
	"           -o jsonl), and rules without examples;\n"
	"           --cost names expressions that have no telling literal to look for\n"
	"  test     runs every example through the engine and through PCRE2 alone\n"
	"\n"
	"examples:\n"
	"  classify rules list | grep dns\n"
	"  classify rules check --rules my-rules/\n"
	"  classify rules test --rules my-rules/kaniko.yaml\n"
	"\n"
	"exit: 0 good; 1 an example failed; 2 wrong usage or an unreadable file; 3 a faulty rule, or none.\n";

void print_help(const char *command)
{
	const char *text = strcmp(command, "scan") == 0      ? scan
	                   : strcmp(command, "explain") == 0 ? explain
	                   : strcmp(command, "match") == 0   ? match
	                   : strcmp(command, "rules") == 0   ? rules
	                   : strcmp(command, "compile") == 0 ? compile
	                                                     : general;
	fputs(text, stdout);
}

void print_version(void)
{
	printf("classify %s (%s)\n"
	       "limits: line 1 MiB, shown text 8 KiB, capture 4 KiB, context 20 lines, losers 20,\n"
	       "        rule file 16 MiB, rules 100000, expression 8 KiB, 64 expressions a rule,\n"
	       "        32 named groups an expression, match limit 1000000 steps, kept texts 4 MiB a log,\n"
	       "        1000 messages a line, compiling 30 s and 4 GiB; docs/limits.md lists all\n",
	       clsf_version(), clsf_engine_version());
}
