"""What makes a value storable: arguments, results, errors, log text, and what is hidden in them."""
