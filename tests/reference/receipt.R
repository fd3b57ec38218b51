# Invented persons in three arms, some of whom receive a treatment; what estimatr's iv_robust makes of them.
library(estimatr)
set.seed(7)

n <- 90
persons <- data.frame(
  person = seq_len(n), centre = rep(1:2, length.out = n), arm = rep(c("control", "ips", "ips_plus"), each = n / 3),
  age = round(runif(n, 18, 60), 1), female = rbinom(n, 1, 0.4)
)
# Month in which each treatment was first received; 99 is never. Some controls get ips after month 4.
persons$ips <- with(persons, ifelse(arm == "ips" & runif(n) < 0.8, sample(0:2, n, TRUE),
  ifelse(arm == "control" & runif(n) < 0.3, sample(5:8, n, TRUE), 99)))
persons$ips_plus <- with(persons, ifelse(arm == "ips_plus" & runif(n) < 0.7, sample(0:3, n, TRUE),
  ifelse(runif(n) < 0.05, 1, 99)))
panel <- merge(persons, data.frame(month = 0:9))
share <- with(panel, 0.2 + 0.15 * (month >= ips) + 0.2 * (month >= ips_plus) + 0.002 * (age - 40))
panel$y <- rbinom(nrow(panel), 1, share)
panel <- panel[runif(nrow(panel)) > 0.1, ]
panel <- panel[order(panel$person, panel$month), ]
write.csv(panel, "receipt_panel.csv", row.names = FALSE, quote = FALSE)

spans <- list(c(0, 9), c(0, 4), c(5, 9))
of <- function(rows, first, last, formula, treatments, design) {
  rows <- rows[rows$month >= first & rows$month <= last, ]
  for (t in c("ips", "ips_plus")) {
    rows[[paste0("got_", t)]] <- as.numeric(rows$month >= rows[[t]])
    rows[[paste0("assigned_", t)]] <- as.numeric(rows$arm == t)
  }
  fit <- iv_robust(formula, rows, clusters = person, se_type = "stata")
  found <- paste0("got_", treatments)
  data.frame(design, month_from = first, month_to = last, arm = treatments, estimate = fit$coefficients[found],
    std_error = fit$std.error[found], df = fit$df[found], p_value = fit$p.value[found], ci_low = fit$conf.low[found],
    ci_high = fit$conf.high[found], n_obs = fit$nobs)
}
both <- y ~ got_ips + got_ips_plus + factor(centre) + age + female |
  assigned_ips + assigned_ips_plus + factor(centre) + age + female
one <- y ~ got_ips + factor(centre) + age + female | assigned_ips + factor(centre) + age + female
two_arms <- panel[panel$arm != "ips_plus", ]
found <- do.call(rbind, lapply(spans, function(s) rbind(
  of(panel, s[1], s[2], both, c("ips", "ips_plus"), "both"), of(two_arms, s[1], s[2], one, "ips", "one"))))
found[] <- lapply(found, function(x) if (is.numeric(x)) format(x, digits = 15, trim = TRUE) else x)
write.csv(found, "receipt_iv.csv", row.names = FALSE, quote = FALSE)
