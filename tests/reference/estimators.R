# Frozen values for tests/test_estimators.py. Run in this folder, after clubsandwich.R: Rscript estimators.R
# Lin's regression by estimatr; the difference of mean probabilities by a logit with its delta-method error, from glm,
# the clustered covariance of sandwich and a numerical gradient.
suppressMessages({library(estimatr); library(sandwich)})

panel <- read.csv("panel.csv")
panel$centre <- factor(panel$centre)
panel$is_old <- as.integer(panel$age >= 40)

lin <- function(variance) lm_lin(y ~ assigned, covariates = ~ age + is_old, data = panel, clusters = person, se_type = variance)
row <- function(what, estimate, std_error, df) data.frame(what = what, estimate = estimate, std_error = std_error, df = df)
of_lin <- function(variance, name) {
  found <- lin(variance)
  row(name, found$coefficients["assigned"], found$std.error["assigned"], found$df["assigned"])
}

marginal <- function(formula, name) {
  fitted <- glm(formula, binomial, panel, control = glm.control(epsilon = 1e-14, maxit = 50))
  V <- vcovCL(fitted, cluster = panel$person, type = "HC1", cadjust = TRUE)
  terms <- delete.response(terms(fitted))
  with_all <- function(a) model.matrix(terms, transform(panel, assigned = a), xlev = fitted$xlevels)
  difference <- function(b) mean(plogis(with_all(1) %*% b)) - mean(plogis(with_all(0) %*% b))
  b <- coef(fitted)
  gradient <- sapply(seq_along(b), function(j) {
    h <- 1e-5 * max(1, abs(b[j])); up <- b; down <- b; up[j] <- b[j] + h; down[j] <- b[j] - h
    (difference(up) - difference(down)) / (2 * h)
  })
  row(name, difference(b), sqrt(c(t(gradient) %*% V %*% gradient)), length(unique(panel$person)) - 1)
}

result <- rbind(
  of_lin("stata", "lin_cr1"), of_lin("CR2", "lin_cr2"),
  marginal(y ~ age + is_old + centre + assigned, "logit"),
  marginal(y ~ age + is_old + centre + factor(month) + assigned, "logit_months"))
write.csv(format(result, digits = 17), "estimators.csv", row.names = FALSE, quote = FALSE)
