"""Writes a report in which every string that a stranger could have chosen tries to run something."""

import json
import sys

STRANGERS = {"name", "version", "message", "note", "file", "member", "clear", "rule", "title", "reason",
             "url", "account", "project", "purl", "who", "signal", "sha256", "remedy", "license", "published_by"}
STRING = ("</script></style></title><script>window.hostile=1</script>"
          "<img src=x onerror='window.hostile=2'>\"' onmouseover=\"window.hostile=3\" {{7*7}} ${7*7} "
          "javascript:window.hostile=4 \u202e\u2028\u009b\U000e0041")


def poisoned(value, key=""):
    if isinstance(value, dict):
        return {name: poisoned(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    if isinstance(value, str) and key in STRANGERS:
        return f"https://x.invalid/{STRING}" if key == "url" else value + STRING
    return value


report = json.load(open(sys.argv[1], encoding="utf-8"))
report = poisoned(report)
event = {"name": STRING, "kind": "first-publish", "date": "2026-10-02", "age_days": 52, "who": STRING,
         "before": "", "after": "", "build_executed": True, "source": STRING}
report["hands"] = {"crates": 1, "build_crates": 1, "of_change": False, "owners_known": 1,
                   "publishers_known": 1, "events": [event], "events_left_out": 0,
                   "alone": [{"name": STRING, "login": STRING, "other_crates": 0}], "source": STRING,
                   "lanes": [{"name": STRING, "locked": STRING, "build_executed": True,
                              "owners": [{"login": STRING, "team": True}, {"login": STRING, "team": False,
                                         "since_days": 30}, {"login": STRING, "team": False, "gone_days": 9}],
                              "releases": [{"version": STRING, "days": 700, "by": STRING, "first": True},
                                           {"version": STRING, "days": 12}]}]}
model = next(one for one in report["subjects"] if one["kind"] == "model")
model = {key: model[key] for key in ("kind", "name", "version", "origin")}
report["models"] = [{"subject": model, "formats": [STRING], "steps": [STRING], "read": False,
                     "committers": [STRING]}]
found = next(one for one in report["findings"] if one["evidence"])
first = found["evidence"][0]
report["excerpts"] = [{"subject": found["subject"], "file": first.get("file") or STRING,
                       "sha256": first.get("sha256") or STRING, "offset": 7, "bytes": STRING,
                       "old_version": STRING, "old_bytes": STRING}]
json.dump(report, sys.stdout)
