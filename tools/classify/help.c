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
	"  stats STATE         how often what failed, of all that 'scan --state' remembers\n"
	"  compile             rules in their compiled form, for 'scan --database'\n"
	"  rules list          the rules there are\n"
	"  rules check         faults in rule files, as file:line:col: message\n"
	"  rules test          every example of every rule, and every rule over logs that passed\n"
	"  rules new 'LINE'    a whole rule for a line of a log\n"
	"  rules import FILE   other tools' rules as ours\n"
	"  rules export        ours as those of other tools\n"
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
	"Reads logs (files, archives, folders, '-' for standard input) and prints a verdict for each.\n"
	"\n"
	"  -r, --rules PATH    rule file or folder, in place of the shipped packs; may be repeated;\n"
	"                      'default' names the shipped packs\n"
	"  -o, --output FORMAT text (default), jsonl (one object a log), json (one document),\n"
	"                      markdown (pastes into a ticket; redacted), postmortem (the skeleton of one:\n"
	"                      timeline, evidence, impact, actions, open questions; redacted), csv,\n"
	"                      junit (a case a log; redacted), sarif (redacted), prometheus (sums)\n"
	"      --incident      the inputs are one log with one verdict: a log, the status of its job and pod,\n"
	"                      and events; the verdict names the file that shows it\n"
	"      --matches       one JSON object for each match, not a verdict for each log\n"
	"      --context N     N lines around the line that shows it (up to 20; not in JSON and csv)\n"
	"      --redact        hide tokens, keys, passwords and e-mail addresses; --no-redact shows them\n"
	"      --since TIME, --until TIME\n"
	"                      look only at lines from one time on, and before another, by the log's own\n"
	"                      timestamps: 2026-11-20, 2026-11-20T14:00:00Z, 90m, 2h, 3d (ago), today\n"
	"      --files-from FILE\n"
	"                      scan what this list names, one path a line or separated by NUL; '-' is\n"
	"                      standard input; -0, --null: NUL alone separates\n"
	"  -j, --jobs N        scan up to N inputs at a time (default: one for each core); the results are\n"
	"                      the same, in the order of the inputs\n"
	"      --state FILE    remember what was scanned, and scan only what is new or what changed rules\n"
	"                      concern; may be killed at any moment\n"
	"      --report FILE   beside the output, a report as one HTML page: over time, by system and rule,\n"
	"                      what logs share, each cause with evidence and runbook, a table; redacts the\n"
	"                      output, too\n"
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
	"  classify scan --incident build.log pod.yaml job.yaml events.yaml\n"
	"  classify scan archive/ -o jsonl | jq -r 'select(.outcome==\"failed\") | .category' | sort | uniq -c\n"
	"  find /var/log -name '*.log' -mtime -1 -print0 | classify scan --files-from -\n"
	"  classify scan --since 2h /var/log/pods/\n"
	"  classify scan --rules default --rules my-rules/ build.log.gz\n"
	"  classify scan --state logs.db -o jsonl archive/ >> verdicts.jsonl\n"
	"  classify scan -o postmortem failed/ > postmortem.md\n"
	"  classify scan -q --report report.html archive/\n"
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

static const char stats[] =
	"usage: classify stats [OPTION]... STATE\n"
	"\n"
	"Counts what 'classify scan --state STATE' remembers: failed logs by category or by something else,\n"
	"with their share, the first and the last day, and the newest example.\n"
	"\n"
	"      --by KEY[,KEY]  category (default), rule, pack, owner, severity, system, source (a file),\n"
	"                      outcome, day, week (its Monday) or month; two keys give a table\n"
	"      --since TIME    only logs that end at this time or later: 2026-11-20, 2026-11-20T14:00:00Z,\n"
	"                      2h, 3d, today; --until TIME: only those that end before it\n"
	"      --top N         the N largest, or newest, rows (default in text: 20, of days, weeks and months\n"
	"                      31; otherwise all); 0 for all\n"
	"      --forget-missing\n"
	"                      forget files that are not there any more\n"
	"      --exit-code     exit 1 when any of the logs failed\n"
	"  -o, --output FORMAT text (default), jsonl (one object a row, after one with sums) or csv\n"
	"  -h, --help          this text\n"
	"\n"
	"examples:\n"
	"  classify stats logs.db\n"
	"  classify stats logs.db --by week,category --since 90d\n"
	"  classify stats logs.db --by rule -o csv > rules.csv\n"
	"\n"
	"exit: 0 done; 1 with --exit-code, a log failed; 2 wrong usage, or the state cannot be read.\n";

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
	"usage: classify rules list|check [--rules PATH]... [-o text|jsonl]\n"
	"       classify rules test [OPTION]...\n"
	"       classify rules new [OPTION]... 'LINE' | --from LOG[:NUMBER] | --from-group TEMPLATE PATH...\n"
	"       classify rules import [OPTION]... PATH...\n"
	"       classify rules export --to FORMAT [OPTION]...\n"
	"\n"
	"  list     the rules: id, category, role, title; with -o jsonl one object a rule\n"
	"  check    reports every fault as file:line:col: message, with the line and a caret (not with\n"
	"           -o jsonl), and rules without examples;\n"
	"           --cost names expressions that have no telling literal to look for\n"
	"  test     tries every example through the engine and through PCRE2 alone, the rules among each\n"
	"           other, and all of them over logs that passed; see 'classify rules test --help'\n"
	"  new      writes a whole rule for a line of a log; see 'classify rules new --help'\n"
	"  import   makes a rule file of the rules of other tools; see 'classify rules import --help'\n"
	"  export   writes rules in the format of another tool; see 'classify rules export --help'\n"
	"\n"
	"examples:\n"
	"  classify rules list | grep dns\n"
	"  classify rules check --rules my-rules/\n"
	"  classify rules new 'sink 7 is clogged' > my-rules/sink.yaml\n"
	"  classify rules test --rules my-rules/sink.yaml\n"
	"\n"
	"exit: 0 good; 1 an example failed, or a passing log was called failed; 2 wrong usage or an\n"
	"unreadable file; 3 a faulty rule, or none.\n";

static const char rules_test[] =
	"usage: classify rules test [OPTION]...\n"
	"\n"
	"Runs every example of every rule through the engine and through PCRE2 alone and compares what is\n"
	"captured; says which rule is shadowed by which; and runs all rules over logs that passed, of which\n"
	"none may be called failed.\n"
	"\n"
	"  -r, --rules PATH    rule file or folder, in place of the shipped packs; may be repeated\n"
	"      --bless         write what matching examples capture into the files of --rules, as 'fields'\n"
	"      --passing PATH  logs that passed, in place of the bundled ones, which 'default' names;\n"
	"                      may be repeated; --no-passing leaves this out\n"
	"      --logs PATH     logs of failures: says which rules match none of their pack's; may be\n"
	"                      repeated. A log is of a pack if a folder on its path is named so, or its\n"
	"                      verdict names a rule of it\n"
	"      --strict        warnings, as of shadowed rules, count as failures\n"
	"  -v, --verbose       every finding; otherwise the first ten of a kind, and no notes\n"
	"  -o, --output FORMAT text (default), jsonl (one object an example, log and finding), or\n"
	"                      junit (XML for a CI server)\n"
	"      --junit FILE    the XML into a file, beside the output\n"
	"  -h, --help          this text\n"
	"\n"
	"examples:\n"
	"  classify rules test --rules my-rules/kaniko.yaml --bless\n"
	"  classify rules test --rules default --rules my-rules/ -v\n"
	"  classify rules test --rules my-rules/ --passing good-logs/ --junit report.xml\n"
	"\n"
	"exit: 0 good; 1 an example failed or could not be blessed, a passing log was called failed, or with\n"
	"--strict there was a warning; 2 wrong usage or an unreadable file; 3 a faulty rule, or none.\n";

static const char rules_new[] =
	"usage: classify rules new [OPTION]... 'LINE'\n"
	"       classify rules new [OPTION]... --from LOG[:NUMBER]\n"
	"       classify rules new [OPTION]... --from-group TEMPLATE PATH...\n"
	"\n"
	"Writes a rule for a line: the expression of its message, with captures for what varies, an example\n"
	"that matches and one that must not. The rule loads and passes 'classify rules test' as it is. '-'\n"
	"reads the line from standard input; several lines are a log.\n"
	"\n"
	"      --from LOG      the most telling line of a log that no rule knows; with :NUMBER, that line\n"
	"      --from-group TEMPLATE\n"
	"                      what the telling lines of the logs below PATH have in common that are unknown\n"
	"                      failures with this template, as 'scan' names it\n"
	"      --category NAME the category; without it that of a rule that knows the line, or unknown\n"
	"      --id ID         the id; otherwise made of the pack and the first words\n"
	"      --pack PACK     the pack; otherwise 'mine'\n"
	"      --title TITLE   the title; otherwise the message, with ${name} for captures\n"
	"  -o, --output FILE   write a new file; --force replaces one that is there\n"
	"  -r, --rules PATH    the rules that are asked what is known already; may be repeated\n"
	"  -h, --help          this text\n"
	"\n"
	"examples:\n"
	"  classify rules new --category tool_bug 'level=error msg=\"sink 7 is clogged\"'\n"
	"  classify rules new --from build.log:412 --pack kaniko -o my-rules/kaniko.yaml\n"
	"  kubectl logs job/build-42 | classify rules new -\n"
	"  classify rules new --from-group 10bc45b94bc68a82 failed/\n"
	"\n"
	"exit: 0 done; 2 wrong usage, no such line, a log that is known or passed, or a file that is there.\n";

static const char rules_import[] =
	"usage: classify rules import [OPTION]... PATH...\n"
	"\n"
	"Makes one rule file of the rules of other tools ('-' reads standard input). Each rule is tried; what\n"
	"cannot be carried over, or only in part, is listed on standard error and stands as a comment in the\n"
	"output.\n"
	"\n"
	"      --from FORMAT   bfa (Jenkins Build Failure Analyzer, XML or JSON), npd (node-problem-detector),\n"
	"                      promtail (pipeline stages), problem-matcher (GitHub), or list (an expression\n"
	"                      a line, or ID<tab>EXPRESSION); without it the content tells all but list\n"
	"      --pack NAME     the pack of the rules; otherwise 'imported'\n"
	"      --category NAME the category of rules whose words tell none\n"
	"  -o, --output FILE   write a new file; --force replaces one that is there\n"
	"  -h, --help          this text\n"
	"\n"
	"examples:\n"
	"  classify rules import --pack jenkins -o jenkins.yaml build-failure-analyzer.xml\n"
	"  classify rules import --from list --category tool_bug expressions.txt > mine.yaml\n"
	"\n"
	"exit: 0 something was carried over; 2 wrong usage, a file that cannot be read or is not of its\n"
	"format, or an output file that is there; 3 there was nothing to carry over.\n";

static const char rules_export[] =
	"usage: classify rules export --to FORMAT [OPTION]...\n"
	"\n"
	"Writes causes and symptoms for other tools. What they have no words for is listed on standard error.\n"
	"\n"
	"      --to FORMAT     cre (Common Reliability Enumerations), or problem-matcher (GitHub)\n"
	"  -r, --rules PATH    rule file or folder, in place of the shipped packs; may be repeated\n"
	"  -o, --output FILE   write a new file; --force replaces one that is there\n"
	"  -h, --help          this text\n"
	"\n"
	"example:\n"
	"  classify rules export --to problem-matcher --rules my-rules/ > matchers.json\n"
	"\n"
	"exit: 0 something was exported; 2 wrong usage, or an output file that is there; 3 a faulty rule, or\n"
	"nothing to export.\n";

void print_help(const char *command)
{
	static const struct {
		const char *command, *text;
	} texts[] = {
		{ "scan", scan },
		{ "explain", explain },
		{ "match", match },
		{ "rules", rules },
		{ "rules test", rules_test },
		{ "rules new", rules_new },
		{ "rules import", rules_import },
		{ "rules export", rules_export },
		{ "compile", compile },
		{ "stats", stats },
	};
	const char *text = general;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].command, command) == 0)
			text = texts[i].text;
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
