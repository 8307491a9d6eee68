# `make` alone prints this help. Needs Python 3.11 or later, make and git; everything else comes from locks/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT ?= dev
OUT ?= out/$(ENVIRONMENT)
# Who owns what no tenant does: @USER, @ORGANISATION/TEAM or an address.
PLATFORM_OWNER ?= platform@example.com
PIP_FLAGS := --quiet --disable-pip-version-check --no-input
# Locks of what users install: the program, the CrossGuard pack, the second opinion.
INSTALLED := program policy checkov

.DEFAULT_GOAL := help
.PHONY: help preview rehearse test test-cluster test-planes faults fuzz audit materials lint check generate locks policy-env policy-report checkov-env tools wheel bench performance bench-apply bench-checkov clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

preview: $(VENV)/.program ## Set up, then preview ENVIRONMENT (default dev) offline and write the report to OUT
	@$(BIN)/gpuplane preview $(ENVIRONMENT) --out $(OUT)

test: $(VENV)/.dev ## Set up, then run all tests (integration tests need KUBECONFIG and pulumi on PATH)
	@$(BIN)/python -m pytest -n auto --ignore tests/integration --ignore tests/faults
	@$(MAKE) --no-print-directory -j 2 test-cluster test-planes

# Tests on each cluster that KUBECONFIG names, one after the other; beside them those that start a control plane of their own.
OWN_PLANE := tests/integration/test_bench_apply.py tests/integration/test_kueue_agrees_fairly.py tests/integration/test_rehearse_local.py
CLUSTERS := $(subst :, ,$(KUBECONFIG))
FIRST_CLUSTER := $(if $(KUBECONFIG),KUBECONFIG=$(firstword $(CLUSTERS)))
test-cluster:
	@$(BIN)/python -m pytest tests/integration $(addprefix --ignore ,$(OWN_PLANE)) --durations 10 $(if $(word 2,$(CLUSTERS)),-n $(words $(CLUSTERS)) --dist loadfile)

test-planes:
	@$(FIRST_CLUSTER) $(BIN)/python -m pytest tests/faults $(OWN_PLANE) -m "integration or bad_day" --durations 5

faults: $(VENV)/.dev ## Break every part that an apply needs, and see it converge: half an hour (etcd, kube-apiserver, kube-controller-manager and pulumi on PATH; KUBECONFIG)
	@$(FIRST_CLUSTER) $(BIN)/python -m pytest tests/faults --durations 5

fuzz: $(VENV)/.dev ## Try N hostile inputs (default a million: hours), seeds from here and from GPUPLANE_FUZZ_CORPUS; goes on where it was stopped
	@$(BIN)/python -m tests.fuzz.campaign --inputs $(or $(N),1000000) --seed $(or $(SEED),1) --found out/fuzz --resume

rehearse: $(VENV)/.program ## Rehearse dev, staging and prod on the throw-away cluster that KUBECONFIG names: minutes
	@for each in dev staging prod; do $(BIN)/gpuplane rehearse $$each --short --out out/rehearsal-$$each || exit $$?; done

audit: .venv-audit/.installed ## Ask whether a package that the locks pin is known to be vulnerable (needs the network)
	@for lock in locks/*.txt; do echo "$$lock"; .venv-audit/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r "$$lock" || exit 1; done

materials: .venv-audit/.installed ## Write the bills of materials (CycloneDX) of all that users install, dist/gpuplane-*.cdx.json
	@mkdir -p dist
	@for lock in $(INSTALLED); do .venv-audit/bin/cyclonedx-py requirements locks/$$lock.txt --pyproject pyproject.toml --output-reproducible \
	  --of JSON -o dist/gpuplane-$$lock.cdx.json || exit $$?; done

lint: $(VENV)/.dev ## Ruff, mypy, the import contracts and the workflows
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p gpuplane
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/zizmor --offline --no-progress --quiet --strict-collection .github/workflows
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml

check: lint test ## Everything that needs no cluster

generate: $(VENV)/.dev ## Write again what is generated: schemas, the reference of fields, components, runtimes and rules, code owners, the accuracy of memory fit, dashboards, the picture of a preview
	@$(BIN)/python -m gpuplane schema docs/schema
	@$(BIN)/python -m gpuplane.spec.field_reference docs/reference/fields.md
	@$(BIN)/python -m gpuplane.delivery.component_reference docs/reference/components.md environments $(sort $(wildcard docs/examples/*/environments))
	@$(BIN)/python -m gpuplane.policies.reference docs/reference/rules.md
	@$(BIN)/python -m gpuplane.delivery.codeowners .github/CODEOWNERS environments $(PLATFORM_OWNER)
	@$(BIN)/python -m gpuplane.catalog.runtime_reference docs/reference/runtimes.md
	@$(BIN)/python -m tests.docs.preview_picture docs/images/preview.svg
	@$(BIN)/python -m tests.planning.memory.accuracy docs/reference/memory-fit.md
	@$(BIN)/python -m gpuplane.components.dashboards.generate

bench: $(VENV)/.dev ## Measure: ratios in one run
	@$(BIN)/python -m benchmarks

performance: $(VENV)/.dev ## Measure everything at 10, 100 and 1,000 tenants and write docs/reference/performance.md, with RESULTS of bench-apply: minutes
	@$(BIN)/python -m benchmarks.report docs/reference/performance.md $(if $(RESULTS),--applied $(RESULTS))

bench-apply: $(VENV)/.dev ## Apply TENANTS tenants (default 100) by gpuplane, raw Pulumi, kubectl and others, side by side: minutes (etcd, kube-apiserver, kube-controller-manager; CRDS="PATH …"; CONTRIBUTING.md)
	@$(BIN)/python -m benchmarks.bench_apply --tenants $(or $(TENANTS),100) $(foreach each,$(CRDS),--crds $(each)) $(if $(RESULTS),--results $(RESULTS))

bench-checkov: $(VENV)/.dev checkov-env ## Measure the rules against Checkov on ten thousand manifests: minutes
	@$(BIN)/python -m benchmarks.bench_policies 10000 10000

checkov-env: .venv-checkov/.installed ## The Python environment of Checkov, a second opinion (--with checkov)

policy-env: .venv-policy/.installed ## The Python environment of the CrossGuard pack

policy-report: $(VENV)/.dev ## Recall and false alarms of the rules on labelled manifests (GPUPLANE_POLICY_CASES names their folder), and the mutation score
	@$(BIN)/python -m tests.policies.labelled_cases

tools: $(VENV)/.program ## Install the Pulumi CLI into .tools/, where the network allows
	@$(BIN)/python -c "from pulumi.automation import PulumiCommand; print(PulumiCommand.install(root='$(CURDIR)/.tools/pulumi').command)"
	@echo 'now: export PATH="$(CURDIR)/.tools/pulumi/bin:$$PATH"'

wheel: $(VENV)/.dev ## Build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

locks: ## Resolve locks/*.in again (needs uv); releases younger than a week are left out
	@for name in program dev policy checkov audit; do \
	  uv pip compile -q --python-version 3.11 --universal --exclude-newer "$$(date -u -d '8 days ago' +%F)" --generate-hashes \
	    --no-emit-index-url --no-header locks/$$name.in -o locks/$$name.txt || exit 1; done

clean: ## Remove environments and outputs
	@rm -rf .venv .venv-policy .venv-checkov .venv-audit dist out .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.program: locks/program.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "gpuplane needs Python 3.11 or later; $(PYTHON) is " + sys.version.split()[0] + ". Set PYTHON=python3.11.")'
	@echo "setting up $(VENV) (once, about a minute)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r locks/program.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.program locks/dev.txt
	@echo "adding the test tools" >&2
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r locks/dev.txt
	@touch $@

.venv-checkov/.installed: locks/checkov.txt
	@$(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r locks/checkov.txt
	@touch $@

.venv-audit/.installed: locks/audit.txt
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r locks/audit.txt
	@touch $@

.venv-policy/.installed: locks/policy.txt
	@$(PYTHON) -m venv .venv-policy
	@.venv-policy/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r locks/policy.txt
	@touch $@
