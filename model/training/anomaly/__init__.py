"""How well the surprise of a line tells trouble, on logs with labels. See evaluate.py."""
