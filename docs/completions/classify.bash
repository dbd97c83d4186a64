# SPDX-License-Identifier: Apache-2.0
# Completion of classify(1) for bash.

# The ids of the rules that the words so far select.
_classify_rule_ids()
{
	local -a rules=()
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -r || ${COMP_WORDS[i]} == --rules ]] || continue
		((i++))
		[[ ${COMP_WORDS[i]} == = ]] && ((i++))
		rules+=(--rules "${COMP_WORDS[i]}")
	done
	"${COMP_WORDS[0]}" rules list -o jsonl "${rules[@]}" 2>/dev/null |
		sed -n 's/^{"rule":"\([^"]*\)".*/\1/p'
}

_classify_words()
{
	local word
	while read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$2")
}

# Files and folders, as readline completes them.
_classify_files()
{
	COMPREPLY=()
	compopt -o default 2>/dev/null
}

_classify()
{
	local commands='scan explain match rules stats compile help'
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} options
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		_classify_words "$commands --help --version" "$cur"
		return
	fi

	# "--output=json" comes as three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi

	case $command in
	scan)
		options='--rules --output --incident --matches --context --redact --no-redact --since --until --files-from --null
			--jobs --report --state
			--exit-code --no-unwrap --database --cache --no-cache --profile --engine --quiet --help'
		;;
	explain)
		options='--rules --rule --redact --help'
		;;
	match)
		options='--rules --output --no-unwrap --help'
		;;
	rules)
		if ((COMP_CWORD == 2)); then
			_classify_words 'list check test new import export --help' "$cur"
			return
		fi
		options='--rules --output --help'
		case ${COMP_WORDS[2]} in
		check) options='--cost '$options ;;
		test) options+=' --bless --passing --no-passing --logs --strict --verbose --junit' ;;
		new) options+=' --from --category --id --pack --title --force' ;;
		import) options='--from --pack --category --output --force --help' ;;
		export) options+=' --to --force' ;;
		new) options+=' --from --from-group --category --id --pack --title --force' ;;
		esac
		;;
	stats)
		options='--by --since --until --top --forget-missing --exit-code --output --help'
		;;
	compile)
		options='--rules --output --help'
		;;
	help|--help|-h)
		((COMP_CWORD == 2)) && _classify_words 'scan explain match rules stats compile' "$cur"
		return
		;;
	*)
		return
		;;
	esac

	case $command:$prev in
	rules:--from-group)
		COMPREPLY=()
		return
		;;
	*:-r|*:--rules)
		_classify_files
		[[ -n $cur && default == "$cur"* ]] && COMPREPLY=(default)
		return
		;;
	scan:-o|scan:--output)
		_classify_words 'text jsonl json markdown postmortem csv junit sarif prometheus' "$cur"
		return
		;;
	scan:--since|scan:--until)
		_classify_words 'now 1h 6h 1d 7d today yesterday' "$cur"
		return
		;;
	scan:-j|scan:--jobs)
		_classify_words '1 2 4 8' "$cur"
		return
		;;
	scan:--report|scan:--database|scan:--files-from|scan:--state|compile:-o|compile:--output)
		_classify_files
		return
		;;
	scan:--cache)
		COMPREPLY=()
		compopt -o dirnames 2>/dev/null
		return
		;;
	stats:--by)
		_classify_words 'category rule pack owner severity system source outcome day week month' "$cur"
		return
		;;
	stats:--since|stats:--until)
		_classify_words 'today yesterday 2h 1d 7d 30d' "$cur"
		return
		;;
	stats:-o|stats:--output)
		_classify_words 'text jsonl csv' "$cur"
		return
		;;
	rules:--from)
		if [[ ${COMP_WORDS[2]} == import ]]; then
			_classify_words 'bfa npd promtail problem-matcher list' "$cur"
		else
			_classify_files
		fi
		return
		;;
	rules:--to)
		_classify_words 'cre problem-matcher' "$cur"
		return
		;;
	rules:--junit|rules:--passing|rules:--logs)
		_classify_files
		return
		;;
	rules:-o|rules:--output)
		case ${COMP_WORDS[2]} in
		new|import|export) _classify_files ;;
		test) _classify_words 'text jsonl junit' "$cur" ;;
		*) _classify_words 'text jsonl' "$cur" ;;
		esac
		return
		;;
	match:-o|match:--output)
		_classify_words 'text jsonl' "$cur"
		return
		;;
	scan:--engine)
		_classify_words 'auto pcre2' "$cur"
		return
		;;
	scan:--context)
		_classify_words '0 1 2 3 5 10 20' "$cur"
		return
		;;
	explain:--rule)
		_classify_words "$(_classify_rule_ids)" "$cur"
		return
		;;
	esac

	if [[ $cur == -* && $cur != - ]] || [[ $cur == - && $command == compile ]]; then
		_classify_words "$options" "$cur"
	elif [[ $cur == - ]]; then
		_classify_words "$options -" "$cur"
	elif [[ $command == scan || $command == explain || $command == compile ||
		${COMP_WORDS[2]} == import ]]; then
		_classify_files
	fi
}

complete -F _classify classify
