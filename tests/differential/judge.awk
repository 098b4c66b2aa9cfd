# Reads `explained`, then the differences; prints what nobody explains and what nothing needs.
# A line of `explained`: CASE PEER PATTERN, tab, reason. CASE and PEER are exact or *, PATTERN a regular
# expression for "SIGN FACT".
FNR == NR {
	if (/^#/ || /^$/)
		next
	split($0, part, "\t")
	rules++
	n = split(part[1], word, " ")
	rule_case[rules] = word[1]
	rule_peer[rules] = word[2]
	rule_pattern[rules] = substr(part[1], length(word[1]) + length(word[2]) + 3)
	if (part[2] == "") {
		print "explained: no reason: " $0
		failed++
	}
	rule_text[rules] = $0
	next
}
$2 == "." {
	if ($3 < 40) {
		print $1 ": lvm-run's container told only " $3 " facts"
		bad[$1] = 1
	}
	cases[++case_count] = $1
	next
}
{
	fact = substr($0, length($1) + length($2) + 3)
	found = 0
	for (i = 1; i <= rules; i++) {
		if ((rule_case[i] == "*" || rule_case[i] == $1) && (rule_peer[i] == "*" || rule_peer[i] == $2) &&
		    fact ~ rule_pattern[i]) {
			used[i]++
			found = 1
			break
		}
	}
	if (found && !show)
		next
	print (found ? "explained " : "UNEXPLAINED ") $0
	if (!found)
		bad[$1] = 1
}
END {
	for (i = 1; i <= case_count; i++) {
		if (cases[i] in bad) {
			print "FAIL " cases[i]
			failed++
		} else {
			print "PASS " cases[i]
			passed++
		}
	}
	for (i = 1; i <= rules && !partial; i++) {
		if (!used[i]) {
			print "explained: nothing differs so any more: " rule_text[i]
			failed++
		}
	}
	printf "differential: %d passed, %d failed\n", passed, failed
	exit failed > 0 || passed == 0
}
