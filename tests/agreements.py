"""How near losses, optimizers and schedules are to PyTorch's: `python tests/agreements.py` prints the tables of docs/accuracy.md."""

import sys

import test_losses_torch as of_losses
import test_optim_torch as of_optimizers


def losses():
    """[(loss, its options, worst difference)]: over all reductions, kinds of targets and combinations of options."""
    found = {}
    for title, case in of_losses.CASES.items():
        name, _, rest = title.partition("(")
        options, worst = found.setdefault(name, (set(), []))
        options |= {option for option in rest.partition(")")[0].split(", ") if option}
        worst.append(of_losses.worst_difference(*case))
    return [(name, ", ".join(sorted(options)) or "–", max(worst)) for name, (options, worst) in sorted(found.items())]


def optimizers():
    """[(optimizer, its settings, worst difference)]"""
    return [(case[0].__name__, name, of_optimizers.worst_difference(*case)) for name, case in of_optimizers.CONFIGURATIONS.items()]


def schedules():
    plateau = {"factor": 0.5, "patience": 2, "cooldown": 4}
    return [*[(case[0].__class__.__name__, name, of_optimizers.worst_of_rates(*case)) for name, case in of_optimizers.SCHEDULES.items()],
            ("ReduceOnPlateau", "ReduceOnPlateau with a cooldown", of_optimizers.worst_on_plateaus(of_optimizers.schedules.ReduceOnPlateau, plateau))]


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    for title, head, rows in (("losses", "options", losses()), ("optimizers", "as compared", optimizers()), ("schedules", "as compared", schedules())):
        print(f"| {title} | {head} | worst difference |\n|---|---|---|")
        for name, what, worst in rows:
            print(f"| `{name}` | {what} | {worst:.1e} |")
        print()


if __name__ == "__main__":
    main()
