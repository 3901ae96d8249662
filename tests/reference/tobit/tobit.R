# Tobit models by AER and survival (pooled) and censReg's published run (random effects, see README.md).
# Rscript tobit.R > tobit.csv, in this folder.
suppressMessages({library(AER); library(survival)})
options(digits = 16)
affairs <- read.csv("affairs.csv")
formula <- affairs ~ age + yearsmarried + religiousness + occupation + rating
keep <- function(case, model, cov) {
  scale <- model$scale
  se <- sqrt(diag(cov))
  n <- length(coef(model))
  # survreg keeps log(scale); sigma is its exponential, with the error by the delta method
  out <- data.frame(case, term = c(names(coef(model)), "sigma"), estimate = c(coef(model), scale),
                    std_error = c(se[1:n], se[n + 1] * scale), loglik = model$loglik[length(model$loglik)])
  write.table(format(out, digits = 15), sep = ",", quote = FALSE, row.names = FALSE,
              col.names = !exists("begun"))
  begun <<- TRUE
}
fine <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
both <- function(left, right, w = NULL) {
  y <- affairs$affairs
  low <- ifelse(y <= left, -Inf, y); high <- ifelse(y >= right, Inf, y)
  shown <- data.frame(affairs, low = ifelse(is.infinite(low), NA, pmin(y, right)),
                      high = ifelse(is.infinite(high), NA, pmax(y, left)))
  survreg(Surv(low, high, type = "interval2") ~ age + yearsmarried + religiousness + occupation + rating,
          data = shown, dist = "gaussian", control = fine, weights = w)
}
m <- tobit(formula, data = affairs, control = fine); keep("below", m, vcov(m))
m <- tobit(formula, left = -Inf, right = 4, data = affairs, control = fine); keep("above", m, vcov(m))
m <- tobit(formula, left = 0, right = 4, data = affairs, control = fine); keep("both", m, vcov(m))
# limits that differ by row: below 0 for the young, below 1 for others
limit <- ifelse(affairs$age < 30, 0, 1)
m <- both(limit, rep(Inf, nrow(affairs))); keep("by row", m, vcov(m))
m <- both(rep(0, nrow(affairs)), rep(Inf, nrow(affairs)), w = affairs$rating); keep("frequency", m, vcov(m))
