# SPDX-License-Identifier: Apache-2.0
"""rules/schema.json and the loader give the same answer, so that editors tell the truth.

Small documents, good and bad, go through both. JSON is YAML, so the loader reads them as they
are. What of the language this loader does not know yet is asked of it first, and left out.

Only these are beyond a schema: whether an expression compiles, ids that are used twice, names in
`explains` and `${}`, the depth and number of the parts of a condition, and limits in bytes.
"""

import copy
import json
import re
from pathlib import Path

import pytest

from conftest import Program, marker, rule

jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")

SOURCE = Path(__file__).resolve().parents[2]
RULES = SOURCE / "rules"
SCHEMA = json.loads((RULES / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
PARTS = SCHEMA["definitions"]

WORDS = {key: PARTS["rule"]["properties"][key]["enum"]
         for key in ("category", "role", "severity", "owner", "retry")}

FULL = rule(
    "full", {"any": ["a", {"text": "b"}]}, role="symptom", severity="low", owner="user",
    retry="now", unless="c", explains=["x-*"], show="above",
    runbook={"cause": "c", "fix": "f", "prevent": "p", "url": "u"},
    examples={"match": ["a", {"line": "b", "fields": {}}], "reject": ["d"]})


def with_match(condition):
    return rule("r", condition)


def with_unless(unless):
    return rule("r", "x", unless=unless)


CRE = {
    "metadata": {"id": "aaaaaaaaaaaaaaaaaaaaaa", "kind": "prequel", "gen": 1},
    "cre": {"id": "CRE-2026-0001", "title": "t", "severity": 1},
    "rule": {"set": {"event": {"source": "cre.log.x"}, "match": [{"value": "x"}]}},
}


class Loader:
    """Asks `rules check` about many documents at once, each a file of its own."""

    def __init__(self, folder):
        self.program = Program(folder)
        self.count = 0

    def messages(self, documents):
        """The faults of each document."""
        self.count += 1
        folder = self.program.folder / f"asked-{self.count}"
        folder.mkdir()
        for i, document in enumerate(documents):
            (folder / f"{i}.yaml").write_text(json.dumps(document), encoding="utf-8")
        done = self.program.run("rules", "check", "-o", "jsonl", "-r", folder)
        assert done.code in (0, 3)
        told = [[] for _ in documents]
        for line in done.err.splitlines():
            found = re.match(r".*/(\d+)\.yaml:\d+:\d+: (.*)", line)
            if found and (not found[2].startswith("warning: ") or "is ignored" in found[2]):
                told[int(found[1])].append(found[2])
        return told

    def accepts(self, documents):
        return [not told for told in self.messages(documents)]


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    return Loader(tmp_path_factory.mktemp("schema"))


def file_of(one, number=0):
    """A file of one rule, whose good id is its own."""
    one = copy.deepcopy(one)
    if isinstance(one, dict) and one.get("id") in ("r", "full"):
        one["id"] = f"r{number}"
    return {"rules": [one]}


def agree(loader, documents):
    """Both say the same of every document; returns how many are good."""
    told = loader.messages(documents)
    wrong = []
    for document, faults in zip(documents, told):
        errors = [error.message for error in VALIDATOR.iter_errors(document)]
        if bool(errors) != bool(faults):
            wrong.append(f"{json.dumps(document)}\n  loader: {faults or 'good'}\n"
                         f"  schema: {errors[:2] or 'good'}")
    assert not wrong, "\n".join(wrong[:5])
    return sum(not faults for faults in told)


def agree_on_rules(loader, rules, good=None):
    """The same of rules; `good`, if given: how many of them are."""
    found = agree(loader, [file_of(one, i) for i, one in enumerate(rules)])
    assert 0 < found < len(rules) if good is None else found == good


def changed(document, path, value):
    """A copy with another value at a path; without the key, where the value is `...`."""
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def paths(value, at=()):
    """The path of every value inside."""
    for key, inside in (value.items() if isinstance(value, dict)
                        else enumerate(value) if isinstance(value, list) else ()):
        yield at + (key,)
        yield from paths(inside, at + (key,))


# ---- the schema itself ----

def test_schema_is_valid():
    """It is a schema, and every key of it has words for the editor."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    def described(node, place):
        for key, inside in node.get("properties", {}).items():
            if "if" in place or place.endswith("else"):
                continue
            assert "title" in inside and "description" in inside, f"{place}: {key}"
        for key, inside in node.items():
            for one in inside if isinstance(inside, list) else [inside]:
                if isinstance(one, dict):
                    described(one, f"{place}/{key}")

    described(SCHEMA, "")


def test_words_are_those_of_the_loader(loader):
    """Each closed list holds every word that the loader takes, and no other."""
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (SOURCE / "libclassify").glob("*.c"))
    candidates = sorted(set(re.findall(r'"([a-z_]{2,40})"', sources)))
    for key, words in WORDS.items():
        assert set(words) <= set(candidates)
        documents = [file_of(rule("r", "x", **{"category": "unknown", key: word}), i)
                     for i, word in enumerate(candidates)]
        taken = {word for word, good in zip(candidates, loader.accepts(documents)) if good}
        assert taken == set(words), key


# Where keys stand: a document with such a mapping, and its properties in the schema.
PLACES = {
    "file": (lambda key, value: {"rules": [rule("r", "x")], key: value}, SCHEMA),
    "rule": (lambda key, value: {"rules": [{**rule("r", "x"), key: value}]}, PARTS["rule"]),
    "condition": (lambda key, value: {"rules": [with_match({"regex": "x", key: value})]},
                  PARTS["condition"]["then"]),
    "unless": (lambda key, value: {"rules": [with_unless({"regex": "x", key: value})]},
               PARTS["unless"]["then"]),
    "runbook": (lambda key, value: {"rules": [rule("r", "x", runbook={key: value})]},
                PARTS["rule"]["properties"]["runbook"]),
    "examples": (lambda key, value: {"rules": [rule("r", "x", examples={key: value})]},
                 PARTS["rule"]["properties"]["examples"]),
    "example": (lambda key, value: {"rules": [rule("r", "x", examples={"match": [
        {"line": "x", key: value}]})]}, PARTS["example"]["then"]),
}
# Keys that only a CRE document has, or a file of them.
FOREIGN = {("file", "terms"), ("rule", "cre")}


@pytest.mark.parametrize("place", PLACES)
def test_keys_are_those_of_the_loader(loader, place):
    """Every word of the library's sources is tried as a key: known to both or to neither."""
    document, schema = PLACES[place]
    sources = "".join(path.read_text(encoding="utf-8")
                      for path in (SOURCE / "libclassify").glob("*.c"))
    candidates = sorted(set(re.findall(r'"([a-z_]{2,40})"', sources)) | set(schema["properties"]))
    asked = loader.messages([document(key, "x") for key in candidates])
    taken = {key for key, told in zip(candidates, asked)
             if not any(f"unknown key '{key}'" in message for message in told)}
    wanted = set(schema["properties"])
    foreign = {key for where, key in FOREIGN if where == place}
    assert taken - foreign == wanted - foreign


# ---- documents ----

def test_shipped_rules(loader):
    """Every shipped file is valid, read as texts and as an editor reads it."""

    class Core(yaml.SafeLoader):
        """YAML as editors have it: without dates, and true and false are the only booleans."""

    Core.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers
                if not tag.endswith((":timestamp", ":bool"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), "tf")
    files = sorted(RULES.rglob("*.yaml"))
    assert len(files) > 20
    for path in files:
        for kind in (yaml.BaseLoader, Core):
            for document in yaml.load_all(path.read_text(encoding="utf-8"), kind):
                errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
                          for error in VALIDATOR.iter_errors(document)]
                assert not errors, path

def test_schema_beside_the_rules(loader):
    """The loader passes over the schema that lies in the folder of rules, however it looks."""
    done = loader.program.run("rules", "check", "-r", RULES)
    assert done.code == 0 and "schema.json" not in done.err
    folder = loader.program.folder / "beside"
    folder.mkdir()
    (folder / "schema.json").write_text("rules: [", encoding="utf-8")
    (folder / "a.yaml").write_text(json.dumps({"rules": [rule("r", "x")]}), encoding="utf-8")
    done = loader.program.run("rules", "list", "-r", folder)
    assert (done.code, done.err) == (0, "")


def test_bad_rules(loader):
    """The faulty files of the other tests, as far as a schema can know."""
    beyond = {"duplicate-id", "duplicate-key", "invalid-expression", "invalid-expression-in-list",
              "invalid-unless", "too-large-expression", "yaml-alias", "yaml-bytes", "yaml-fault",
              "yaml-quote", "yaml-tab", "cre-faults"}
    for path in sorted((SOURCE / "tests/cli/data/bad-rules").glob("*.yaml")):
        if path.stem in beyond:
            continue
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        assert not VALIDATOR.is_valid(document), path


def test_files(loader):
    """The keys of a file."""
    good = rule("r", "x")
    documents = [
        {"rules": []}, {"rules": None}, {"pack": "p", "rules": []}, {"pack": None, "rules": []},
        {"pack": 5, "rules": []}, {"pack": [], "rules": []}, {"pack": {}, "rules": []},
        {"rules": {}}, {"rules": "x"}, {"rules": 5}, {"pack": "p"}, {}, [], "x", 5,
        {"rules": [good], "rulez": []}, {"rules": [good], "version": 1}, {"rules": ["x"]},
        {"rules": [None]}, {"rules": [[]]}, {"rules": [{}]}, {"rules": [5]}]
    assert agree(loader, documents) == 5


def test_each_key(loader):
    """Of a rule with everything, each value is left out, misspelt, and of each wrong type."""
    rules = [FULL, rule("r", "x")]
    for path in paths(FULL):
        rules.append(changed(FULL, path, ...))
        for value in ["text", 5, True, "", [], {}, ["x"], {"x": "x"}, [[]], [{}]]:
            rules.append(changed(FULL, path, value))
        if isinstance(path[-1], str):
            value = FULL
            for key in path:
                value = value[key]
            rules.append(changed(changed(FULL, path, ...), path[:-1] + (path[-1] + "z",), value))
    assert len(rules) > 300
    agree_on_rules(loader, rules)


@pytest.mark.parametrize("key", WORDS)
def test_each_word(loader, key):
    """Every word of the closed lists, and words that are none."""
    good = [rule("r", "x", **{"category": "unknown", key: word}) for word in WORDS[key]]
    bad = [rule("r", "x", **{"category": "unknown", key: word}) for word in
           [word + "x" for word in WORDS[key]] + [WORDS[key][0].upper(), "", " ", 5, True, [], {},
                                                  [WORDS[key][0]]]]
    agree_on_rules(loader, good + bad, good=len(good))


def test_category_of_markers(loader):
    """Only markers do without a category."""
    markers = [marker("r", "x", role) for role in WORDS["role"]]
    agree_on_rules(loader, markers + [rule("r", "x", category=None)], good=3)


@pytest.mark.parametrize("identifier, good", [
    ("a", True), ("0", True), (5, True), ("a-b_c.D9", True), ("a" * 120, True), ("a" * 121, False),
    ("", False), ("-a", False), (".a", False), ("_", False), ("a b", False), ("a/b", False),
    ("ä", False), (-5, False), ([], False), (None, False)])
def test_ids(loader, identifier, good):
    """What an id may hold."""
    document = {"rules": [{**rule("r", "x"), "id": identifier}]}
    assert agree(loader, [document]) == good


CONDITIONS = ["x", {"regex": "x"}, {"text": "x"}, {"any": ["x"]}, {"all": ["x", "y"]},
              {"sequence": ["x", "y"]}, {"count": 2, "of": "x"}, {"field": {"a.b": "x", "c": "y"}},
              {"regex": "x", "lines": 5}]


def test_conditions_nest(loader):
    """Every kind inside every other, the inner one good and bad."""
    inner = CONDITIONS + [{}, [], {"regexp": "x"}, {"regex": "x", "text": "y"}, {"any": []}, {"any": "x"},
                          {"count": 2}, {"of": "x"}, {"within": "5 lines"}, {"regex": []}, {"text": {}}, "",
                          {"regex": ""}, {"text": ""}]
    outer = [lambda c: c, lambda c: {"any": [c, "z"]}, lambda c: {"all": ["z", c]},
             lambda c: {"sequence": ["z", c]}, lambda c: {"count": 3, "of": c},
             lambda c: {"any": [{"all": [{"sequence": [c]}]}]}]
    rules = [with_match(wrap(c)) for wrap in outer for c in inner]
    agree_on_rules(loader, rules, good=len(outer) * len(CONDITIONS))


def test_keys_of_conditions(loader):
    """Which key goes with which kind."""
    extra = {"within": "5 lines", "of": "x", "count": 2, "show": True, "text": "x", "lines": 5}
    rules = [with_match({**one, key: value}) for one in CONDITIONS[1:]
             for key, value in extra.items()]
    agree_on_rules(loader, rules)


def test_values_of_conditions(loader):
    """Counts and `show`, right and wrong."""
    counts = [1, 2, 1000, "3", "007"], [0, 1001, -1, 1.5, "x", "0", "", True, [], {}, "3 lines"]
    shows = [True, "true"], [False, "false", "yes", "", 1, "above", []]
    rules = [with_match({"count": n, "of": "x"}) for n in counts[0] + counts[1]]
    rules += [with_match({"regex": "x", "show": value}) for value in shows[0] + shows[1]]
    rules += [rule("r", "x", show=value) for value in ("above", "last", "first", True, "", [])]
    agree_on_rules(loader, rules, good=len(counts[0] + shows[0]) + 2)


def test_windows_in_lines(loader):
    """Windows in lines, right and wrong."""
    good = ["1 line", "20 lines", "1 lines", "999999999 lines"]
    bad = ["", "lines", "0 lines", "-5 lines", "5", 5, "1.5 lines", "5 Lines", "5 lines or 5 lines",
           "five lines", "1234567890 lines", " 5 lines x", True, [], {}]
    for kind in ("all", "sequence"):
        agree_on_rules(loader, [with_match({kind: ["x", "y"], "within": window})
                                for window in good + bad], good=len(good))
    agree_on_rules(loader, [with_match({"count": 2, "of": "x", "within": window})
                            for window in good + bad], good=len(good))


def test_windows_in_time(loader):
    """Durations, and durations with lines beside them."""
    good = ["30s", "500ms", "1m30s", "2h", "1d", "1.5h", "5us", "7ns", "30s or 200 lines", "1m30s or 1 line",
            "200 lines or 30s", "30s | 200 lines", "30s, 5 lines", "30s|5 lines", " 30s "]
    bad = ["30", "30 s", "s", "30x", "30s or", "30s or 30s", "5 lines, 6 lines", "30s and 5 lines",
           "30s or 0 lines", "30s 200 lines", "-5s", "1m30", "0s", "1..5s", "|", "30s |", "30s || 5 lines"]
    agree_on_rules(loader, [with_match({"all": ["x", "y"], "within": window})
                            for window in good + bad], good=len(good))


def test_regex_with_lines(loader):
    """How many lines an expression may span."""
    good, bad = [2, 5, 200, "20"], [0, 1, 201, -2, 2.5, "x", "", True, [], "5 lines"]
    agree_on_rules(loader, [with_match({"regex": "x", "lines": n}) for n in good + bad],
                   good=len(good))


def test_fields(loader):
    """Fields: a mapping of paths to expressions."""
    good = [{"a": "x"}, {"a.b": "x", "c": 5}, {".a.b[0]": "x"}, {'a["b-c"]': "x"}, {"a[]": "x"}]
    bad = [{}, [], "x", {"a": []}, {"a": {}}, {"a": ""}, 5]
    agree_on_rules(loader, [with_match({"field": value}) for value in good + bad], good=len(good))


def test_unless(loader):
    """The forms of unless."""
    good = ["x", 5, {"regex": "x"}, {"text": "x"}]
    bad = ["", {}, {"regex": "x", "text": "y"}, {"regex": []}, {"text": {}}, {"any": ["x"]},
           {"regexp": "x"}, {"regex": ""}, {"within": "5 lines"}, {"where": "before"}]
    agree_on_rules(loader, [with_unless(value) for value in good + bad], good=len(good))


def test_unless_with_windows(loader):
    """Where and how far from the match."""
    base = {"regex": "x"}
    good = [{**base, "where": where} for where in ("before", "after", "around")]
    good += [{**base, "within": "5 lines"}, {"text": "x", "within": "5 lines", "where": "after"}]
    bad = [{**base, "where": "above"}, {**base, "where": []}, {**base, "where": ""},
           {**base, "within": 5}, {**base, "within": "0 lines"}, {**base, "within": []}]
    good += [{**base, "within": "30s"}, {**base, "within": "30s or 5 lines", "where": "before"}]
    agree_on_rules(loader, [with_unless(value) for value in good + bad], good=len(good))


def test_unless_as_a_list(loader):
    """Several of them."""
    good = [["x"], ["x", {"text": "y"}], [{"regex": "x"}, {"regex": "y"}]]
    bad = [[], [[]], [["x"]], ["x", {}], ["x", {"regexp": "y"}], ["x", ""]]
    agree_on_rules(loader, [with_unless(value) for value in good + bad], good=len(good))


def test_unless_with_a_field(loader):
    """A field speaks against a match."""
    good, bad = [{"field": {"a": "x"}}], [{"field": {}}, {"field": "x"}, {"field": {"a": []}},
                                          {"field": {"a": "x"}, "text": "y"}]
    agree_on_rules(loader, [with_unless(value) for value in good + bad], good=len(good))


def test_examples(loader):
    """The forms of examples."""
    good = [{}, None, {"match": None}, {"match": []}, {"match": ["x"], "reject": ["y", 5]},
            {"match": [{"line": "x"}]}, {"match": ["a\nb"]},
            {"match": [{"line": "x", "fields": None}]}, {"match": [{"line": "x", "fields": {}}]},
            {"match": [{"line": 5, "fields": {"a": 5, "b": True, "c": "d"}}]}]
    bad = [[], "x", 5, {"match": "x"}, {"match": {}}, {"match": [[]]}, {"match": [{}]},
           {"match": [{"fields": {}}]}, {"match": [{"line": []}]}, {"match": [{"lines": "x"}]},
           {"match": [{"line": "x", "fields": []}]}, {"match": [{"line": "x", "fields": "y"}]},
           {"match": [{"line": "x", "fields": {"a": []}}]}, {"good": ["x"]},
           {"match": ["x"], "rejects": ["y"]}]
    agree_on_rules(loader, [rule("r", "x", examples=value) if value is not None else
                            {**rule("r", "x"), "examples": None} for value in good + bad],
                   good=len(good))


def test_cre_documents(loader):
    """Rules of others are let through."""
    assert VALIDATOR.is_valid({"rules": [CRE, rule("r", "x")]})
    assert not VALIDATOR.is_valid({"rules": [CRE, {"id": "r"}]})
    assert agree(loader, [{"rules": [CRE, rule("r", "x")]}]) == 1
