# The commands a person needs; `make` alone lists them.
PYTHON ?= python3
BIN ?= .venv/bin
QUESTION ?= What is a language model? Answer in one sentence.
export PYTHON

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check texts bench soak dist dist-test dist-test-clean clean set-up set-up-tests starter \
	ruff-check ruff-format mypy lint-imports nested-loops

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: set-up starter ## Set up what is missing, then open the window with the starter model
	@model=$$($(BIN)/python -m nodetool_xl_desktop.library.starter --path) || exit; \
	if [ "$$(uname -s)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		exec $(BIN)/nodetool-xl-desktop "$$model"; \
	fi; \
	echo "There is no display here, so the window opens off screen and asks: $(QUESTION)"; \
	$(BIN)/nodetool-xl-desktop --offscreen --prompt "$(QUESTION)" --screenshot build/first-run.png "$$model" && \
	echo "A picture of the window: build/first-run.png"

test: check starter ## Set up what is missing, then run every check and every test
	@echo "Testing ..."
	@$(BIN)/python -m pytest -m "not soak" --numprocesses logical --maxprocesses 4 --dist worksteal

check: set-up-tests ruff-check ruff-format mypy lint-imports nested-loops ## Style, types and the rule of the house

texts: set-up-tests ## Collect the texts of the program for translators, and compile the translations
	@$(BIN)/python packaging/texts.py

soak: set-up-tests starter ## The whole of what `make test` only samples
	@$(BIN)/python -m pytest -m soak

bench: set-up-tests starter ## Measure: start, smoothness, speed (ONLY=start,idle for a part, KEEP=1 to keep it)
	@$(BIN)/python tests/benchmarks/run.py --only "$(ONLY)" $(if $(KEEP),--keep)

dist: ## Build what people install, in dist/: a folder, a portable archive, a .deb
	@packaging/setup.sh dist
	@packaging/dist.sh

dist-test: starter ## Try what `make dist` built: its metadata, its commands, its window
	@packaging/linux/try.sh dist/nodetool-xl-desktop dist/*.deb "$$($(BIN)/python -m nodetool_xl_desktop.library.starter --path)"

dist-test-clean: starter ## Install the .deb into a fresh Debian, use it there, remove it (as root; minutes)
	@packaging/linux/try_clean_root.sh dist/*.deb "$$($(BIN)/python -m nodetool_xl_desktop.library.starter --path)"

clean: ## Remove what these commands made here (the starter model stays in your data folder)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find nodetool_xl_desktop tests -name __pycache__ -prune -exec rm -rf {} +

set-up:
	@packaging/setup.sh run

set-up-tests:
	@packaging/setup.sh test

starter:
	@$(BIN)/python -m nodetool_xl_desktop.library.starter

ruff-check:
	@echo "Checking the style (ruff check) ..."
	@$(BIN)/ruff check --quiet

ruff-format:
	@echo "Checking the format (ruff format) ..."
	@$(BIN)/ruff format --check --quiet

mypy:
	@echo "Checking the types (mypy) ..."
	@$(BIN)/mypy --no-error-summary

lint-imports:
	@echo "Checking the rule of the house (import-linter) ..."
	@report=$$($(BIN)/lint-imports --no-logo) || { echo "$$report"; exit 1; }

# A dialog that runs an event loop of its own inside a coroutine strands every other task of the program's loop.
NESTED_LOOP := \.exec_?\(|Q(Color|File|Font|Input)Dialog\.get|QMessageBox\.(about|critical|information|question|warning)
nested-loops:
	@echo "Looking for nested event loops ..."
	@grep -rnE --include='*.py' '$(NESTED_LOOP)' nodetool_xl_desktop; found=$$?; \
	if [ $$found -eq 0 ]; then echo "A dialog's own event loop strands the program's tasks: open() it and await its finished signal." >&2; fi; \
	[ $$found -eq 1 ]
