"""Each statement that a promise rests on, with one of its conditions taken out at a time."""
