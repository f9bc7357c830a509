# What a developer runs; `make` alone lists it. Everything works in a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps data build release edgectl-static test lint format docc proto migrations demo bench bench-database bench-peers clean

# The interpreter of Scripts/python-env; the tests compare with its packages.
export ECLM_PYTHON ?= $(CURDIR)/data/python/bin/python

# Swift that people write; what is generated is checked against its sources instead.
SWIFT_FILES = $(shell find Package.swift Sources Tests Benchmarks Examples -name '*.swift' -not -path '*/Generated/*')

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

deps: ## install the system packages and the Python environment that are missing
	Scripts/install-dependencies
	Scripts/python-env

data: deps ## fetch the checkpoint that is decomposed and the data sets that are trained on, see docs/data.md
	Scripts/fetch-checkpoint
	Scripts/fetch-datasets

build: ## build everything, for debugging
	swift build

release: ## build the programs, optimised
	swift build -c release

edgectl-static: ## build edgectl for devices, with all but glibc inside; print its size and what it loads
	Scripts/edgectl-static

# Programs are built before any cluster starts, since they would slow each other down.
test: deps data ## run every test against a private PostgreSQL; FILTER=name runs some
	"$(ECLM_PYTHON)" -m unittest discover --start-directory Tests/Data
	"$(ECLM_PYTHON)" -m unittest discover --start-directory Tests/Scripts
	/usr/bin/python3 -m unittest discover --start-directory Tests/Proto
	swift build --build-tests
	Scripts/run-tests $(if $(FILTER),'$(FILTER)')

lint: ## check the formatting, the directions of imports, and that the generated sources are current
	@swift format lint --strict --parallel $(SWIFT_FILES)
	Scripts/import-graph --check
	Scripts/make-proto --check
	Scripts/make-migrations --check

format: ## format the sources in place
	swift format -i --parallel $(SWIFT_FILES)

docc: ## build the reference of the libraries into .build/docc
	Scripts/make-docc

proto: ## generate the sources from proto/
	Scripts/make-proto

migrations: ## write migrations/ into the source that compiles them in
	Scripts/make-migrations

demo: deps data release ## play a fleet that learns on this machine: adapt, drift, adapt again, roll back
	Scripts/demo

bench: deps data ## measure, and print one line for each figure
	swift build -c release
	Scripts/with-cluster Scripts/bench
	.build/release/aggregation-bench --repetitions 15

bench-database: deps ## measure what the database limits, beside pgbench and COPY in the same run
	swift build -c release
	ECLM_CLUSTER_DURABLE=1 Scripts/with-cluster Scripts/bench-database

bench-peers: ## measure the aggregation beside Flower's, which is fetched for it into data/peers
	swift build -c release --product aggregation-bench
	Scripts/bench-peers

clean: ## remove what was built; fetched data stays
	swift package clean
