# Frozen values for tests/test_regression.py. Run in this folder: Rscript clubsandwich.R
# Draws an unbalanced panel of invented persons (panel.csv) and writes what clubSandwich, estimatr and
# sandwich make of it (clubsandwich.csv, htz.csv).
suppressMessages({library(clubSandwich); library(estimatr); library(sandwich)})

set.seed(20210101)
n <- 45
person <- data.frame(
  person = seq_len(n), centre = rep(1:3, c(20, 15, 10)),
  assigned = c(rep(0:1, 10), rep(c(0, 1, 1), 5), rep(c(1, 0, 0, 0, 0), 2)),
  age = round(runif(n, 18, 60)), first = sample(0:2, n, TRUE), inclination = round(rnorm(n), 3))
panel <- merge(person, data.frame(since = 0:5))
panel$month <- panel$first + panel$since
panel <- panel[runif(nrow(panel)) < .85, ]
panel$y <- as.integer(.4 * panel$assigned + panel$inclination + rnorm(nrow(panel)) > .6)
panel <- panel[order(panel$person, panel$month), c("person", "centre", "assigned", "age", "month", "y")]
write.csv(panel, "panel.csv", row.names = FALSE)

for (centre in 2:3) panel[[paste0("centre", centre)]] <- as.integer(panel$centre == centre)
for (month in 1:7) panel[[paste0("month", month)]] <- as.integer(panel$month == month)
for (centre in 1:3) panel[[paste0("effect", centre)]] <- panel$assigned * (panel$centre == centre)
terms <- c("age", paste0("centre", 2:3), paste0("month", 1:7), paste0("effect", 1:3))
model <- reformulate(terms, "y")
fitted <- lm(model, panel)

cr2 <- vcovCR(fitted, cluster = panel$person, type = "CR2")
test <- coef_test(fitted, vcov = cr2, test = "Satterthwaite")
robust <- lm_robust(model, panel, clusters = person, se_type = "CR2")
cr1 <- sqrt(diag(vcovCL(fitted, cluster = panel$person, type = "HC1", cadjust = TRUE)))
cr3 <- sqrt(diag(vcovCR(fitted, cluster = panel$person, type = "CR3")))
result <- data.frame(
  term = names(coef(fitted)), estimate = coef(fitted), cr1 = cr1, cr2 = test$SE, cr2_df = test$df_Satt,
  estimatr_cr2 = robust$std.error, estimatr_cr2_df = robust$df, cr3 = cr3)
write.csv(format(result, digits = 17), "clubsandwich.csv", row.names = FALSE, quote = FALSE)

equal <- constrain_equal(paste0("effect", 1:3), coefs = coef(fitted))
none <- constrain_zero(paste0("effect", 1:3), coefs = coef(fitted))
htz <- rbind(
  data.frame(hypothesis = "equal", Wald_test(fitted, equal, vcov = cr2, test = "HTZ")),
  data.frame(hypothesis = "none", Wald_test(fitted, none, vcov = cr2, test = "HTZ")))
htz <- htz[c("hypothesis", "Fstat", "df_num", "df_denom", "p_val")]
write.csv(format(htz, digits = 17), "htz.csv", row.names = FALSE, quote = FALSE)
