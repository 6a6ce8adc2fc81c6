"""The built-in view: the catalogue's panels in a browser, live from the store, without Grafana and without internet."""
