"""The cheapest fleet that meets the objectives: which nodes, cut how, with how many replicas of what, proven by a bound."""
