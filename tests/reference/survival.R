# Frozen values for tests/test_survival.py. Run in this folder: Rscript survival.R
# Writes waiting.csv (months waited by two groups of invented persons, with events in month 0 and heavy censoring, and
# the remission times of Freireich et al. 1963 in weeks) and what survival makes of it: survival.csv, restricted_mean.csv.
library(survival)

set.seed(7)
n <- 70
drawn <- data.frame(
  case = "invented", arm = rep(c("control", "ips"), length.out = n),
  event = pmax(0, floor(rexp(n, rep(c(0.05, 0.08), length.out = n)) - 0.7)), left = sample(12:60, n, TRUE))
drawn$last <- pmin(drawn$event, drawn$left, 30)
drawn$is_event <- as.integer(drawn$event <= pmin(drawn$left, 30))
six_mp <- c(6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
placebo <- c(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
remission <- data.frame(
  case = "remission", arm = rep(c("6-MP", "placebo"), each = 21), last = c(six_mp, placebo),
  is_event = c(rep(1, 9), rep(0, 12), rep(1, 21)))
waiting <- rbind(drawn[c("case", "arm", "last", "is_event")], remission)
write.csv(waiting, "waiting.csv", row.names = FALSE, quote = FALSE)

months <- list(invented = 0:30, remission = 0:23)
horizons <- list(invented = c(11, 23, 30), remission = c(11, 22))
curve <- function(case, arm) {
  rows <- waiting[waiting$case == case & waiting$arm == arm, ]
  fitted <- survfit(Surv(last, is_event) ~ 1, rows, conf.type = "log-log")
  found <- summary(fitted, times = months[[case]], extend = TRUE)
  at_risk <- sapply(months[[case]], function(k) sum(rows$last >= k))
  data.frame(case = case, arm = arm, month = found$time, n_at_risk = at_risk, survival = found$surv,
             std_error = found$std.err, ci_low = found$lower, ci_high = found$upper)
}
# Months 0..h are h + 1 months: an event in month k ends a wait of k months, observed up to h + 1.
restricted <- function(case, arm, horizon) {
  rows <- waiting[waiting$case == case & waiting$arm == arm, ]
  fitted <- survfit(Surv(last, is_event) ~ 1, rows)
  found <- summary(fitted, rmean = horizon + 1)$table
  shifted <- summary(survfit(Surv(last + 1, is_event) ~ 1, rows), rmean = horizon + 2)$table
  stopifnot(abs(found["rmean"] + 1 - shifted["rmean"]) < 1e-12, abs(found["se(rmean)"] - shifted["se(rmean)"]) < 1e-12)
  data.frame(case = case, arm = arm, horizon = horizon, estimate = found["rmean"], std_error = found["se(rmean)"])
}
groups <- unique(waiting[c("case", "arm")])
frozen <- function(parts, file)
  write.csv(format(do.call(rbind, parts), digits = 17, trim = TRUE), file, row.names = FALSE, quote = FALSE)
frozen(Map(curve, groups$case, groups$arm), "survival.csv")
frozen(unlist(Map(function(case, arm) lapply(horizons[[case]], restricted, case = case, arm = arm),
                  groups$case, groups$arm), recursive = FALSE), "restricted_mean.csv")
