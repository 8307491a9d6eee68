"""Rules about links: what each planned object points at must be there, from a route to a dashboard."""
