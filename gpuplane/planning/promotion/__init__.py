"""Whether a release may move from one environment to another: gate arithmetic, without files, git or a clock."""
