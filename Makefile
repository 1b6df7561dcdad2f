# A thin front door: each target says what it runs, and runs it. `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

CLUSTER := hack/cluster/bin/.built
TOOLS := hack/tools/bin/.built
GITOPS := hack/gitops/bin/.built
DENY := hack/tools/bin/cargo-deny/bin/cargo-deny
DENY_VERSION := 0.20.2
# What releases are built with; the Dockerfile and the workflows name the same.
RUST_VERSION := 1.95.0
AUDITABLE := hack/tools/bin/cargo-auditable/bin/cargo-auditable
AUDITABLE_VERSION := 0.7.7
SBOM := hack/tools/bin/auditable2cdx/bin/auditable2cdx
SBOM_VERSION := 0.1.0
FUZZ := hack/tools/bin/cargo-fuzz/bin/cargo-fuzz
FUZZ_VERSION := 0.13.2
# Those of the image.
PLATFORMS ?= linux_amd64 linux_arm64
MDBOOK := hack/tools/bin/mdbook/bin/mdbook
MDBOOK_VERSION := 0.5.2
MUTANTS := hack/tools/bin/cargo-mutants/bin/cargo-mutants
MUTANTS_VERSION := 27.1.0
CRD_DIRS := crds charts/psg-operator/files/crds
SCHEMAS := schemas
# End-to-end tests mostly wait, so more of them than cores run at once.
TEST_THREADS ?= 9

say = @printf '\033[1m==> %s\033[0m\n' $(1)

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: test
test: $(CLUSTER) $(TOOLS) $(GITOPS) ## Run every test; 6 minutes on two cores, 17 with a cold target folder, and the first time 14 more, since it builds a control plane
	$(call say,'the programs that end-to-end tests start')
	cargo build --workspace --bins --locked
	$(call say,'cargo test: unit tests$(comma) then end to end against a real kube-apiserver')
	cargo test --workspace --locked -- --test-threads=$(TEST_THREADS)

.PHONY: demo
demo: $(CLUSTER) ## See it work in 80 seconds once built: real control plane, simulated tenant, real operator
	$(call say,'building the operator$(comma) the simulator and the demo')
	cargo build --workspace --bins --locked
	cargo run --quiet --locked --bin psg-demo

.PHONY: picture
picture: $(CLUSTER) ## Make docs/demo.svg, the picture in the README, from a run of the demo
	$(call say,'building the operator$(comma) the simulator and the demo')
	cargo build --workspace --bins --locked
	cargo run --quiet --locked --bin psg-demo -- --picture docs/demo.svg

.PHONY: up
up: $(CLUSTER) ## Start the same, leave it running and say what to type
	$(call say,'building the operator$(comma) the simulator and the demo')
	cargo build --workspace --bins --locked
	cargo run --quiet --locked --bin psg-demo -- --stay

.PHONY: bench
bench: $(CLUSTER) ## Measure: time to Ready, tenant calls, memory
	$(call say,'building for release')
	cargo build --workspace --bins --locked --release
	PSG_TEST_BIN_DIR=$(CURDIR)/target/release target/release/psg-bench

.PHONY: soak
soak: ## Play SEEDS=N histories of faults and edits (50000) that no run played before; FROM=N repeats a range, WATCHED=1 uses kube's watches
	$(call say,'histories: make soak FROM=$(SOAK_FROM) SEEDS=$(SOAK_SEEDS) repeats this')
	PSG_FIRST_SEED=$(SOAK_FROM) PSG_SEEDS=$(SOAK_SEEDS) $(if $(WATCHED),PSG_WATCHED=1) \
	  cargo test -p psg-controller --locked every_history -- --nocapture

SOAK_SEEDS := $(or $(SEEDS),50000)
# A million seeds for each second of the clock, so that no two runs share any.
SOAK_FROM := $(or $(FROM),$(shell echo $$(($$(date +%s) * 1000000 + 0x$$(git rev-parse --short=4 HEAD)))))

.PHONY: prove
prove: ## What a release runs: every program at full size, and histories that no run played before (30 minutes)
	$(call say,'deaths in pairs at every lag$(comma) 20000 histories')
	PSG_PROVE=1 PSG_SEEDS=20000 cargo test -p psg-controller --locked -- --nocapture crash every_history same_seed real_watches matrix edits
	$(call say,'the model$(comma) its larger worlds as well')
	cargo test -p psg-plan --locked -- --nocapture --include-ignored model_check
	@$(MAKE) soak
	@$(MAKE) soak WATCHED=1 SEEDS=20000

.PHONY: planted
planted: ## Plant one bug after another in a copy, and say which program finds it (45 minutes; ONLY=ID,ID: these)
	$(call say,'planted bugs')
	cargo run --quiet --locked --bin psg-planted -- $(if $(ONLY),--only $(ONLY))

.PHONY: mutants
mutants: $(MUTANTS) ## Change the rules one place at a time: do tests notice? (30 minutes; SHARD=3/8: a part; SINCE=COMMIT: changed lines of the rest)
ifdef SINCE
	$(call say,'mutants of the lines that changed since $(SINCE)$(comma) but of what decides$(comma) which is tried in full')
	rm -rf mutants.out
	@mkdir -p target; git diff $(SINCE) -- src ':!src/domain' ':!src/plan' >target/since.diff
	PSG_SEEDS=25 $(MUTATE) --in-diff target/since.diff -- --lib -- $(foreach test,$(SLOW),--skip $(test)) || $(ENDLESS)
else ifdef SHARD
	$(call say,'mutants of what decides: $(SHARD)')
	$(MUTATE) $(RULES) --shard $(SHARD) -- --lib || $(ENDLESS)
else
	$(call say,'mutants of what decides$(comma) and the tests that take no time')
	rm -rf mutants.out
	$(MUTATE) $(RULES) -- --lib -- --skip laws --skip swapping --skip no_pace --skip brute_force || $(SURVIVORS)
	$(call say,'those that are left$(comma) and all tests')
	$(MUTATE) $(RULES) --iterate -- --lib || $(ENDLESS)
endif

# Two at once, each in a copy that must not share what it builds with the other.
MUTATE := env -u CARGO_TARGET_DIR $(MUTANTS) mutants -j2
RULES := --package psg-domain --package psg-plan --test-package psg-domain --test-package psg-plan
# What cargo-mutants ends with if some survive, and if with some the tests do not end: those are found.
SURVIVORS := case $$? in 2|3) ;; *) exit 1;; esac
ENDLESS := test $$? = 3
# Ten seconds each, or more.
SLOW := edits same_seed a_crash two_crashes it_may_die

.PHONY: image
image: $(AUDITABLE) $(SBOM) ## Write dist/image, an OCI layout of the operator, and its SBOMs (PLATFORMS=linux_amd64: that alone)
	$(call say,'image for $(PLATFORMS)')
	hack/release/image.sh $(PLATFORMS)

# The folder that the Dockerfile copies.
.PHONY: image-root
image-root: $(AUDITABLE)
	ROOT_ONLY=1 hack/release/image.sh $(PLATFORM)

.PHONY: image-check
image-check: $(AUDITABLE) $(SBOM) ## Build the image twice at two paths, and compare every byte (two release builds a platform)
	hack/release/check.sh $(PLATFORMS)

.PHONY: plugin
plugin: $(AUDITABLE) $(SBOM) ## Write the archive of kubectl psg for PLATFORM=linux_amd64, linux_arm64 or darwin_arm64
	hack/release/plugin.sh $(PLATFORM)

.PHONY: release
release: ## Make the release VERSION=x.y.z: versions, notes, commit and tag
	@hack/release/cut.sh $(VERSION)

.PHONY: site
site: $(MDBOOK) ## Write target/site, the documentation as a site
	$(MDBOOK) build

.PHONY: lint-workflows
lint-workflows: $(TOOLS) ## Check .github/workflows
	hack/tools/bin/actionlint -color

.PHONY: fuzz
fuzz: $(FUZZ) ## Fuzz each target for SECONDS=N (60) with a nightly compiler
	$(call say,'fuzzing each target for $(or $(SECONDS),60) s')
	@for target in $(basename $(notdir $(wildcard fuzz/targets/*.rs))); do \
	  echo "    $$target"; mkdir -p target/fuzz-found/$$target; \
	  PATH="$(CURDIR)/$(dir $(FUZZ)):$$PATH" cargo +nightly fuzz run --fuzz-dir fuzz $$target target/fuzz-found/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(or $(SECONDS),60) -verbosity=0; \
	done

.PHONY: cargo-auditable auditable2cdx
cargo-auditable: $(AUDITABLE)
auditable2cdx: $(SBOM)

.PHONY: verify
verify: ## What a change must pass: format, lints, licences, generated files, tests, a clean tree
	$(call say,'format')
	cargo fmt --all --check
	$(call say,'lints')
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@$(MAKE) deny
	@$(MAKE) crds
	@git diff --exit-code --stat -- $(CRD_DIRS) $(SCHEMAS) docs/reference.md || { echo 'generated files were old: commit what changed'; exit 1; }
	@$(MAKE) test
	@test -z "$$(git status --porcelain)" || { git status --short; echo 'the tree is not clean: commit or ignore these'; exit 1; }

.PHONY: deny
deny: $(DENY) ## Check licences, sources and advisories of all dependencies (OFFLINE=1 leaves out the last)
	$(call say,'licences$(comma) advisories$(comma) sources')
	$(DENY) check licenses bans sources
ifdef OFFLINE
	@echo 'OFFLINE is set: advisories are NOT checked'
else
	$(DENY) check advisories
endif

.PHONY: crds
crds: ## Write the definitions and schemas of both kinds, and the reference of their fields, anew
	$(call say,'definitions')
	cargo run --quiet --locked --bin crdgen -- --schemas $(SCHEMAS) --reference docs $(CRD_DIRS)

.PHONY: cluster
cluster: $(CLUSTER) ## Build etcd, kube-apiserver, kube-controller-manager and kubectl (5 to 8 minutes, once)

.PHONY: tools
tools: $(TOOLS) ## Build helm, kustomize, kubeconform, promtool, actionlint and crane (a few minutes, once)

.PHONY: gitops
gitops: $(GITOPS) ## Build kstatus, Flux's apply engine and the Lua of Argo CD (two to four minutes, once)

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -rf hack/cluster/bin hack/tools/bin hack/gitops/bin dist .demo

comma := ,

# Without the version in its linker flags the server calls itself v0.0.0, and kubectl complains.
$(CLUSTER): hack/cluster/go.mod hack/cluster/go.sum
	$(call say,'building a Kubernetes control plane from Go modules: 5 to 8 minutes on two cores$(comma) once')
	@cd hack/cluster; export CGO_ENABLED=0; mkdir -p bin; start=$$SECONDS; \
	version=$$(go list -m -f '{{.Version}}' k8s.io/kubernetes); \
	IFS=. read -r major minor _ <<<"$${version#v}"; \
	at=k8s.io/component-base/version; \
	flags="-s -w -X $$at.gitVersion=$$version -X $$at.gitMajor=$$major -X $$at.gitMinor=$$minor"; \
	echo '    etcd (1 of 4)'; go build -trimpath -ldflags '-s -w' -o bin/etcd go.etcd.io/etcd/server/v3; \
	for name in kube-apiserver kube-controller-manager kubectl; do \
	  echo "    $$name"; go build -trimpath -ldflags "$$flags" -o bin/ "k8s.io/kubernetes/cmd/$$name"; \
	done; \
	touch bin/.built; echo "    built in $$((SECONDS - start)) s"

# promtool needs no service discovery, which is most of its dependencies.
$(TOOLS): hack/tools/go.mod hack/tools/go.sum hack/prometheus/go.mod hack/prometheus/go.sum
	$(call say,'building helm$(comma) kustomize and others from Go modules: a few minutes$(comma) once')
	@cd hack/tools; start=$$SECONDS; mkdir -p bin; \
	export CGO_ENABLED=0; \
	go build -trimpath -ldflags '-s -w' -o bin/ tool; \
	(cd ../prometheus; go build -trimpath -tags remove_all_sd -ldflags '-s -w' -o ../tools/bin/ tool); \
	touch bin/.built; echo "    built in $$((SECONDS - start)) s"

$(GITOPS): hack/gitops/go.mod hack/gitops/go.sum $(wildcard hack/gitops/*/*.go)
	$(call say,'building what Flux and Argo CD judge by from Go modules: two to four minutes$(comma) once')
	@cd hack/gitops; start=$$SECONDS; mkdir -p bin; \
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ ./...; \
	touch bin/.built; echo "    built in $$((SECONDS - start)) s"

$(MUTANTS):
	$(call say,'installing cargo-mutants $(MUTANTS_VERSION): a few minutes$(comma) once')
	cargo install cargo-mutants --version $(MUTANTS_VERSION) --locked --root $(dir $(MUTANTS))..

$(MDBOOK):
	$(call say,'installing mdBook $(MDBOOK_VERSION): a few minutes$(comma) once')
	cargo install mdbook --version $(MDBOOK_VERSION) --locked --root $(dir $(MDBOOK))..

$(DENY):
	$(call say,'installing cargo-deny $(DENY_VERSION): a few minutes$(comma) once')
	cargo install cargo-deny --version $(DENY_VERSION) --locked --root $(dir $(DENY))..

$(AUDITABLE):
	$(call say,'installing cargo-auditable $(AUDITABLE_VERSION): a minute$(comma) once')
	cargo install cargo-auditable --version $(AUDITABLE_VERSION) --locked --root $(dir $(AUDITABLE))..

$(SBOM):
	$(call say,'installing auditable2cdx $(SBOM_VERSION): two minutes$(comma) once')
	cargo install auditable2cdx --version $(SBOM_VERSION) --locked --root $(dir $(SBOM))..

$(FUZZ):
	$(call say,'installing cargo-fuzz $(FUZZ_VERSION): two minutes$(comma) once')
	cargo install cargo-fuzz --version $(FUZZ_VERSION) --locked --root $(dir $(FUZZ))..
