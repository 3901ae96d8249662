# CR2 covariances and Satterthwaite tests of clubSandwich 0.5.8, on data made here.
suppressMessages({library(clubSandwich); library(plm)})
set.seed(3)
G <- 9
size <- c(4, 12, 8, 20, 6, 10, 16, 5, 9)
g <- rep(seq_len(G), size)
n <- length(g)
unit <- ave(g, g, FUN = function(v) ceiling(seq_along(v) / 4)) + 10 * g
time <- ave(unit, unit, FUN = seq_along)
x <- round(rnorm(n) + 0.3 * rnorm(G)[g], 3)
d <- as.numeric(g %% 3 == 0)
z <- round(rnorm(n), 3)
u <- 0.6 * rnorm(G)[g]
y <- round(0.5 * x - 0.4 * d + u + rnorm(n), 3)
b <- as.numeric(0.7 * x - 0.5 * d + u + rlogis(n) > 0)
k <- rpois(n, exp(0.3 * x + 0.5 * u))
data <- data.frame(g, unit, time, x, d, z, y, b, k)
write.csv(data, "cr2.csv", row.names = FALSE)
rows <- NULL
add <- function(case, fit, names, joint) {
  V <- vcovCR(fit, cluster = data$g, type = "CR2")
  table <- coef_test(fit, vcov = V, test = "Satterthwaite")
  keep <- rownames(table) %in% names
  rows <<- rbind(rows, data.frame(case = case, term = rownames(table)[keep], se = table$SE[keep],
                                  df = table$df_Satt[keep], p = table$p_Satt[keep], fstat = NA))
  w <- Wald_test(fit, constraints = constrain_zero(joint, coefs = coef(fit)), vcov = V, test = "HTZ")
  rows <<- rbind(rows, data.frame(case = case, term = "joint", se = NA, df = w$df_denom, p = w$p_val, fstat = w$Fstat))
}
add("ols", lm(y ~ x + d + z, data), c("(Intercept)", "x", "d", "z"), c("x", "d", "z"))
add("time effects", lm(y ~ x + d + z + factor(time), data), c("x", "d", "z"), c("x", "z"))
add("unit and time effects", lm(y ~ x + z + factor(unit) + factor(time), data), c("x", "z"), c("x", "z"))
add("logit", glm(b ~ x + d + z, binomial, data, control = list(epsilon = 1e-14)), c("(Intercept)", "x", "d", "z"), c("x", "d", "z"))
add("poisson", glm(k ~ x + d + z, poisson, data, control = list(epsilon = 1e-14)), c("(Intercept)", "x", "d", "z"), c("x", "d"))
# Combinations of parameters: an effect at a value of another variable, and an average effect by its gradient.
contrasts <- NULL
combine <- function(case, fit, G) {
  t <- linear_contrast(fit, vcov = "CR2", cluster = data$g, contrasts = matrix(G, 1), level = .95)
  contrasts <<- rbind(contrasts, data.frame(case = case, estimate = t$Est, se = t$SE, df = t$df, low = t$CI_L, high = t$CI_U))
}
line <- lm(y ~ x * z + d, data)
combine("ols, x at z = 0.7", line, c(0, 1, 0, 0, 0.7))
combine("ols, x - d", line, c(0, 1, 0, -1, 0))
curve <- glm(b ~ x + d + z, binomial, data, control = list(epsilon = 1e-14))
p <- fitted(curve); X <- model.matrix(curve); beta <- coef(curve)["x"]
G <- colMeans(p * (1 - p) * (1 - 2 * p) * X) * beta; G["x"] <- G["x"] + mean(p * (1 - p))
combine("logit, average effect of x", curve, G)
write.csv(contrasts, "contrasts_clubSandwich.csv", row.names = FALSE)
within <- plm(y ~ x + z, data, index = c("unit", "time"), model = "within")
V <- vcovCR(within, cluster = data$g, type = "CR2")
t <- coef_test(within, vcov = V, test = "Satterthwaite")
rows <- rbind(rows, data.frame(case = "unit effects", term = rownames(t), se = t$SE, df = t$df_Satt, p = t$p_Satt, fstat = NA))
write.csv(rows, "cr2_clubSandwich.csv", row.names = FALSE)
