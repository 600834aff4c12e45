"""The comparison by position as CSV and PNG:  python3 -m reader.plot RESULTS_FOLDER OUT_FOLDER

RESULTS_FOLDER holds NAME.dev.json of train.py --positions. Writes positions.csv (every curve) and positions.png.
"""

import csv
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

BUCKET = 4096
NAMES = ("ttt-e2e", "naive", "mamba2", "sliding-window", "ttt-linear", "ttt-mlp", "full-attention")


def curves(folder):
    """(name, budget, trained tokens, curve) of each net: at equal tokens where it saw as many, and at equal time."""
    for name in NAMES:
        result = json.loads((pathlib.Path(folder) / f"{name}.dev.json").read_text())
        runs = {"": result["positions"], **{f" step {step}": run for step, run in result.get("naive", {}).items()}}
        for suffix, run in runs.items():
            label = "window, learning at test only," + suffix if suffix else "window with static fast MLP" if name == "naive" else name
            tokens = sorted(run, key=int)
            for budget, at in zip(("equal tokens", "equal time") if len(tokens) > 1 else ("equal time",), tokens):
                yield label, budget, int(at), run[at][0]


def main():
    out = pathlib.Path(sys.argv[2])
    rows = list(curves(sys.argv[1]))
    with open(out / "positions.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["net", "budget", "trained_tokens", "position_tokens", "bits_per_byte"])
        for label, budget, tokens, curve in rows:
            writer.writerows([label, budget, tokens, (i + 1) * BUCKET, bits] for i, bits in enumerate(curve))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    shown = [label for label in dict.fromkeys(row[0] for row in rows) if not label.endswith(("0.03", "0.1"))]
    colours = {label: f"C{i}" for i, label in enumerate(shown)}
    for axis, budget in zip(axes, ("equal tokens", "equal time")):
        for label, which, tokens, curve in rows:
            if which == budget and label in shown:
                axis.plot([(i + 1) * BUCKET / 1000 for i in range(len(curve))], curve, label=label, linewidth=1.3, color=colours[label])
        axis.set_title("trained on 8.1 M tokens each" if budget == "equal tokens" else "trained for 60 s on one H100 each")
        axis.set_xlabel("position in the stream, thousand tokens")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("bits per byte, mean of 10 streams")
    figure.legend(*axes[1].get_legend_handles_labels(), fontsize=8, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.savefig(out / "positions.png", dpi=110)


if __name__ == "__main__":
    main()
