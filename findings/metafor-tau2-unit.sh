#!/usr/bin/env bash
# R's metafor 3.8-1 finds another spread between centres when shares are written as shares and not as per cent.
#
# The variance between centres, tau2, scales with the square of the unit. metafor stops its searches at an absolute
# distance: 1e-5 between two steps (REML, ML, EB), about 1.2e-4 in the root search of Paule and Mandel. Effects on
# shares with errors of a few thousandths have a tau2 of that size or below. The five effects here, written in per
# cent points and as shares, are one set of numbers. In per cent Paule-Mandel gives 0.02848 with p = 0.118; as shares
# it gives 0 with p = 0.044, no spread and a significant mean. REML is 0.0075 in per cent and 0.0191 as shares.
# DerSimonian-Laird, which has no search, is equal in both. The stopping distances are documented (`control`); that
# the unit decides is not.
#
# For a trial on registers: large registers make errors small, and effects on employment are shares by habit.
#
# What we do: roots are searched at a distance relative to the variances (ipseval/estimation/heterogeneity.py);
# `test_units_and_order_do_not_matter` in tests/test_heterogeneity.py holds it for every estimator of tau2.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! Rscript -e 'library(metafor)' >/dev/null 2>&1; then
  apt-get update -q >"$work/update.log" 2>&1
  apt-get install -q -y --no-install-recommends r-base-core r-cran-metafor=3.8-1-1 >"$work/install.log" 2>&1
fi
cd "$work"
Rscript --vanilla - <<'R'
suppressMessages(library(metafor))
stopifnot("recorded for metafor 3.8.1" = packageVersion("metafor") == "3.8.1")
percent <- c(0.2, 0.4, 0.1, 0.5, -0.3)
variance <- c(0.04, 0.05, 0.03, 0.06, 0.08)
found <- function(method, unit) {
  fit <- rma(percent / unit, variance / unit^2, method = method)
  c(tau2 = fit$tau2 * unit^2, p = fit$pval)
}
excess <- function(tau2) {
  w <- 1 / (variance + tau2)
  sum(w * (percent - sum(w * percent) / sum(w))^2) - 4
}
exact <- uniroot(excess, c(0, 1), tol = 1e-14)$root
cat("metafor", as.character(packageVersion("metafor")), "\n")
cat("expected: tau2 of Paule and Mandel", exact, "in per cent and as shares\n")
for (method in c("PM", "REML", "DL")) {
  in_percent <- found(method, 1)
  as_shares <- found(method, 100)
  cat("seen:    ", method, "per cent: tau2", in_percent[["tau2"]], "p", in_percent[["p"]], "\n")
  cat("seen:    ", method, "shares:   tau2", as_shares[["tau2"]], "p", as_shares[["p"]], "\n")
}
stopifnot(
  abs(found("PM", 1)[["tau2"]] - exact) < 1e-5,
  found("PM", 100)[["tau2"]] == 0,
  found("PM", 1)[["p"]] > 0.11,
  found("PM", 100)[["p"]] < 0.05,
  found("REML", 100)[["tau2"]] > 2 * found("REML", 1)[["tau2"]],
  all.equal(found("DL", 1), found("DL", 100))
)
R
