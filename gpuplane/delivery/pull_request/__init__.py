"""What a pull request is told: who is affected and how, one comment for all environments, and notes at the lines of files."""
