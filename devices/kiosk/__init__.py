"""Health kiosks: what their instruments say on a wire, from bytes to vital signs and back."""
