"""What staff see: typed columns to queries to panels; written out for Grafana and drawn by the built-in view."""
