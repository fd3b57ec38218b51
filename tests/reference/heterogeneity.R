# Frozen values for tests/test_heterogeneity.py and tests/test_joint.py. Run in this folder: Rscript heterogeneity.R
# Writes what metafor makes of effects of centres (centre_effects.csv -> metafor.csv, metafor_centres.csv), and
# clubSandwich's HTZ of equal effects when each centre of panel.csv has a regression of its own (htz_separate.csv).
suppressMessages({library(clubSandwich); library(metafor)})

precise <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-15)
effects <- read.csv("centre_effects.csv")
ends <- function(found, ...) setNames(unlist(found[c("ci.lb", "ci.ub")]), c(...))
analyse <- function(case, method) {
  rows <- effects[effects$case == case, ]
  fitted <- rma(estimate, sei = std_error, data = rows, method = method, test = "knha", control = precise)
  profile <- confint(fitted, control = list(tol = 1e-14))$random
  prediction <- tryCatch(predict(fitted, pi.type = "riley"), error = function(e) NULL)
  adhoc <- rma(estimate, sei = std_error, data = rows, method = method, test = "adhoc", control = precise)
  classic <- rma(estimate, sei = std_error, data = rows, method = "FE")
  data.frame(
    case = case, tau = method, k = fitted$k, q = fitted$QE, p_value = fitted$QEp, fixed = classic$beta[1],
    fixed_std_error = classic$se, tau2 = fitted$tau2, tau2_low = profile["tau^2", "ci.lb"],
    tau2_high = profile["tau^2", "ci.ub"], pooled = fitted$beta[1], std_error = fitted$se,
    std_error_at_least_one = adhoc$se, ci_low = fitted$ci.lb,
    ci_high = fitted$ci.ub, prediction_low = prediction$pi.lb, prediction_high = prediction$pi.ub)
}
shrink <- function(case, method) {
  rows <- effects[effects$case == case, ]
  fitted <- rma(estimate, sei = std_error, data = rows, method = method, test = "knha", control = precise)
  drawn <- blup(fitted)
  without <- leave1out(fitted)
  data.frame(
    case = case, tau = method, centre = rows$centre, weight = weights(fitted) / 100, shrunken = drawn$pred,
    shrunken_low = drawn$pi.lb, shrunken_high = drawn$pi.ub, pooled_without = without$estimate,
    pooled_without_std_error = without$se)
}
all <- expand.grid(case = unique(effects$case), method = c("PM", "REML", "DL"), stringsAsFactors = FALSE)
write.csv(format(do.call(rbind, Map(analyse, all$case, all$method)), digits = 17), "metafor.csv",
          row.names = FALSE, quote = FALSE)
write.csv(format(do.call(rbind, Map(shrink, all$case, all$method)), digits = 17), "metafor_centres.csv",
          row.names = FALSE, quote = FALSE)

panel <- read.csv("panel.csv")
panel$centre <- factor(panel$centre)
panel$month <- factor(panel$month)
stacked <- lm(y ~ 0 + centre + centre:(age + month) + centre:assigned, panel)
known <- coef(stacked)
known <- known[!is.na(known)]
cr2 <- vcovCR(stacked, cluster = panel$person, type = "CR2")
equal <- constrain_equal(paste0("centre", 1:3, ":assigned"), coefs = known)
test <- Wald_test(stacked, equal, vcov = cr2, test = "HTZ")
write.csv(format(data.frame(test[c("Fstat", "df_num", "df_denom", "p_val")]), digits = 17), "htz_separate.csv",
          row.names = FALSE, quote = FALSE)
