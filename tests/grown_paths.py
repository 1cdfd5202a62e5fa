"""Plain JSONPaths and documents that they are likely to match.

    python tests/grown_paths.py [--pairs 100000] [--seed 1]

Each path is grown out of a document, step by step from a value to one below it, so most
paths match. The exit status is 0 if httsleep finds for every pair what jsonpath-ng
finds: the same objects in the same order.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter

from jsonpath_ng.ext.parser import parse

from httsleep.paths import compiled

NAMES = ["a", "b", "status", "", "*", "0", "-1", "$", "a.b", "é", "where", "null", " "]
SCALARS = [None, True, False, 0, 1, -1.5, float("nan"), "", "a", "text", 10**30]
STEPS_DOWN = 5


def document(chance, depth=4):
    """Return a JSON document, odd ones included."""
    kind = chance.random()
    if depth == 0 or kind < 0.15:
        return chance.choice(SCALARS)
    size = chance.choice([0, 1, 1, 2, 3, 5])
    if kind < 0.55:
        names = chance.sample(NAMES, size)
        members = {name: document(chance, depth - 1) for name in names}
        return {5: members} if kind < 0.16 else members  # a number is no name
    elements = [document(chance, depth - 1) for _ in range(size)]
    return tuple(elements) if kind < 0.57 else elements


def path(chance, value):
    """Return a JSONPath that follows one way into a document, or nearly."""
    steps = [""] if chance.random() < 0.1 else ["$"]
    values = [value]
    for _ in range(chance.randrange(STEPS_DOWN)):
        here = chance.choice(values)
        if not below(here) and chance.random() < 0.8:
            break
        if chance.random() < 0.04:
            here = chance.choice([{}, [], "a", {"a": 1}, [1, 2]])  # likely a miss
        step, values = step_down(chance, here)
        steps.append(step)
        values = values or [None]
    text = "".join(steps).removeprefix(".")
    if text.count("[") > 1 and chance.random() < 0.1:
        first, _, rest = text.removeprefix("$").rpartition("[")
        text = f"$.(({first.removeprefix('.')})[{rest})"
    return text or "$"


def step_down(chance, here):
    """Return a step, and the values below ``here`` that it leads to."""
    if chance.random() < 0.25:
        return chance.choice(["[*]", ".*"]), below(here)
    if isinstance(here, dict):
        names = [name for name in here if isinstance(name, str)] or NAMES
        count = chance.choice([1, 1, 1, 2, 3])
        chosen = [chance.choice([*names * 5, "missing"]) for _ in range(count)]
        return members(chance, chosen), [here[n] for n in chosen if n in here]
    size = len(here) if isinstance(here, (list, tuple)) else 2
    bounds = range(-size, size) or [0]
    if chance.random() < 0.2:
        bounds = range(-size - 1, size + 2)
    if chance.random() < 0.3:
        parts = [chance.choice(["", *bounds]) for _ in range(chance.choice([2, 3]))]
        return f"[{':'.join(map(str, parts))}]", below(here)
    count = chance.choice([1, 1, 1, 2, 3])
    return f"[{','.join(str(chance.choice(bounds)) for _ in range(count))}]", below(
        here
    )


def members(chance, names):
    """Return a step to members, written in one of the ways that there are."""
    if all(re.fullmatch("[a-z]+", name) and name != "where" for name in names):
        written = ",".join(names)
        return chance.choice([f".{written}", f"[{written}]"])
    quote = chance.choice("'\"")
    written = ",".join(f"{quote}{name}{quote}" for name in names)
    return chance.choice([f".{written}", f"[{written}]"])


def below(value):
    """Return all values that are one step below a value."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []


def compare(pairs, seed):
    """Return how many pairs there were of each kind, and the first that differs."""
    chance, counts = random.Random(seed), Counter()
    while counts["pairs"] < pairs:
        grown_from = document(chance)
        for _ in range(10):
            text = path(chance, grown_from)
            expected = [match.value for match in parse(text).find(grown_from)]
            found = compiled(text)(grown_from)
            if list(map(id, found)) != list(map(id, expected)):
                return counts, f"{text} in {grown_from!r}: {found}, not {expected}"
            counts["pairs"] += 1
            counts["matches"] += bool(found)
            counts["several"] += len(found) > 1
            counts["walked"] += compiled(text).__qualname__.startswith("compiled")
    return counts, None


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts, problem = compare(arguments.pairs, arguments.seed)
    print(f"seed {arguments.seed}: {json.dumps(counts)}")
    if problem is not None:
        print(f"WRONG: {problem}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
