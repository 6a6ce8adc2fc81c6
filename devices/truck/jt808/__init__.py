"""JT/T 808-2011, 2013 and 2019: muck-truck terminals, from bytes to positions and answers, and back."""
