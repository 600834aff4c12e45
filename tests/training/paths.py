"""Where the tested scripts are."""

import pathlib
import sys

TRAINING = pathlib.Path(__file__).resolve().parents[2] / "model" / "training"
sys.path[:0] = [str(TRAINING), str(TRAINING / "corpus")]
