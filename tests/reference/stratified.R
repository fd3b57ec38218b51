# Frozen values for tests/test_strata.py. Run in this folder: Rscript stratified.R
# Writes stratified_waiting.csv (months waited in two arms of three centres, assigned 4:1, 1:3 and 1:1, some lost) and
# Kaplan-Meier curves and restricted means of each arm put together over centres with weights n1 n0 / (n1 + n0), from
# survival's curve, Greenwood error and restricted mean of each centre and arm.
library(survival)

set.seed(11)
sizes <- data.frame(centre = rep(c("A", "B", "C"), each = 2), arm = rep(c("control", "ips"), 3),
                    n = c(15, 60, 45, 15, 24, 24), rate = c(.12, .15, .02, .03, .06, .06))
drawn <- sizes[rep(seq_len(nrow(sizes)), sizes$n), ]
event <- floor(rexp(nrow(drawn), drawn$rate))
left <- sample(c(5:40), nrow(drawn), TRUE)
drawn$last <- pmin(event, left, 20)
drawn$is_event <- as.integer(event <= pmin(left, 20))
waiting <- drawn[c("centre", "arm", "last", "is_event")]
write.csv(waiting, "stratified_waiting.csv", row.names = FALSE, quote = FALSE)

last_month <- 12
n <- with(sizes, tapply(n, list(centre, arm), sum))
weights <- n[, 1] * n[, 2] / rowSums(n)
weights <- weights / sum(weights)
parts <- lapply(c("control", "ips"), function(arm) {
  fits <- lapply(names(weights), function(centre)
    survfit(Surv(last, is_event) ~ 1, waiting[waiting$centre == centre & waiting$arm == arm, ]))
  curves <- lapply(fits, summary, times = 0:last_month, extend = TRUE)
  S <- sapply(curves, `[[`, "surv"); e <- sapply(curves, `[[`, "std.err")
  means <- sapply(fits, function(f) summary(f, rmean = last_month + 1)$table[c("rmean", "se(rmean)")])
  list(curve = data.frame(arm = arm, month = 0:last_month, survival = S %*% weights, std_error = sqrt(e^2 %*% weights^2)),
       mean = data.frame(arm = arm, estimate = sum(weights * means[1, ]), std_error = sqrt(sum((weights * means[2, ])^2))))
})
frozen <- function(name, file)
  write.csv(format(do.call(rbind, lapply(parts, `[[`, name)), digits = 17, trim = TRUE), file, row.names = FALSE, quote = FALSE)
frozen("curve", "stratified_survival.csv")
frozen("mean", "stratified_mean.csv")
