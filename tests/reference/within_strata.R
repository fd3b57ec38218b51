# Frozen values for tests/test_strata.py, from panel.csv. Run in this folder: Rscript within_strata.R
# Writes within_strata.csv: the standardised effect by estimatr's lm_lin with dummies for centres (and strata) centred and
# multiplied with assignment; the event study with persons and centre x period by lm and sandwich; Lee's bounds by centre.
suppressMessages({library(estimatr); library(sandwich)})

panel <- read.csv("panel.csv")
panel$centre <- factor(panel$centre)
panel$stratum <- factor(ifelse(panel$person %/% 3 %% 2 == 1, "odd", "even"))
row <- function(what, estimate, std_error = NA, df = NA)
  data.frame(what = what, estimate = estimate, std_error = std_error, df = df, row.names = NULL)

standardised <- function(covariates, variance, name) {
  found <- lm_lin(y ~ assigned, covariates = covariates, data = panel, clusters = person, se_type = variance)
  row(name, found$coefficients["assigned"], found$std.error["assigned"], found$df["assigned"])
}

# Months 0 to 7 stand for -4 to 3; periods of two months, the one just before month 0 is the base.
events <- function() {
  d <- transform(panel, period = floor((month - 4) / 2))
  several <- tapply(d$period, d$person, function(p) length(unique(p)))
  d <- d[several[as.character(d$person)] > 1, ]
  terms <- c()
  for (p in setdiff(sort(unique(d$period)), -1)) for (term in c(paste0("centre", levels(d$centre)), "assigned")) {
    name <- paste0(term, ".", p + 2)
    d[[name]] <- (d$period == p) * (if (term == "assigned") d$assigned else d$centre == sub("centre", "", term))
    terms <- c(terms, name)
  }
  fitted <- lm(reformulate(c("factor(person)", terms), "y"), d)
  G <- length(unique(d$person)); N <- nrow(d); K <- length(terms)
  V <- vcovCL(fitted, cluster = d$person, type = "HC0", cadjust = FALSE) * G / (G - 1) * (N - 1) / (N - K)
  do.call(rbind, lapply(grep("assigned", terms, value = TRUE), function(name)
    row(paste0("event_", 2 * as.integer(sub("assigned.", "", name)) - 4), coef(fitted)[name], sqrt(V[name, name]), G - 1)))
}

# The mean of a sorted outcome without a share of its mass at one end.
without <- function(y, share, decreasing) {
  kept <- (1 - share) * length(y)
  y <- sort(y, decreasing = decreasing)
  taken <- pmax(0, pmin(1, kept - seq_along(y) + 1))
  sum(taken * y) / kept
}

lee <- function(of_month) {
  persons <- unique(panel[c("person", "centre", "assigned")])
  seen <- panel[panel$month == of_month, c("person", "y")]
  persons$y <- seen$y[match(persons$person, seen$person)]
  parts <- lapply(split(persons, persons$centre), function(p) {
    y <- split(p$y, p$assigned)
    share <- sapply(y, function(v) mean(!is.na(v)))
    y <- lapply(y, function(v) v[!is.na(v)])
    n <- table(p$assigned)
    trim <- 1 - min(share) / max(share)
    more <- which.max(share)
    ends <- sapply(c(TRUE, FALSE), function(decreasing) {
      m <- sapply(y, mean)
      m[more] <- without(y[[more]], trim, decreasing)
      m[2] - m[1]
    })
    c(low = min(ends), high = max(ends), trim = trim, weight = n[[1]] * n[[2]] / sum(n))
  })
  m <- do.call(rbind, parts)
  w <- m[, "weight"] / sum(m[, "weight"])
  rbind(row(paste0("lee_lower_", of_month), sum(w * m[, "low"])), row(paste0("lee_upper_", of_month), sum(w * m[, "high"])),
        row(paste0("lee_trimmed_", of_month), sum(w * m[, "trim"])))
}

result <- rbind(
  standardised(~ centre, "stata", "standardised_cr1"), standardised(~ centre, "CR2", "standardised_cr2"),
  standardised(~ centre * stratum, "stata", "standardised_strata_cr1"), standardised(~ centre * stratum, "CR2", "standardised_strata_cr2"),
  events(), lee(3), lee(4))
write.csv(format(result, digits = 17, trim = TRUE), "within_strata.csv", row.names = FALSE, quote = FALSE)
