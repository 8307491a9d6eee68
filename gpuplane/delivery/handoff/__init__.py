"""Hand-off to GitOps engines: what Argo CD, Flux or the Pulumi Kubernetes Operator applies, with verdict and provenance beside it."""
