# Coefficients, errors and log likelihoods under selection; prints what selection.json holds.
library(sampleSelection)
library(pbivnorm)
data(Mroz87)
data(RandHIE)
Mroz87$kids <- Mroz87$kids5 + Mroz87$kids618 > 0
works <- lfp ~ age + I(age^2) + faminc + kids + educ
wage <- wage ~ exper + I(exper^2) + educ + city
print(summary(selection(works, wage, Mroz87, method = "2step")), digits = 9)
print(summary(selection(works, wage, Mroz87, tol = 1e-14, iterlim = 500)), digits = 9)

second <- subset(RandHIE, year == 2 & !is.na(educdec))
x <- c("logc", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp", "linc", "lfam", "educdec",
       "xage", "female", "child", "fchild", "black")
print(summary(selection(reformulate(x, "binexp"), reformulate(x, "lnmeddol"), second, method = "2step")), digits = 9)

# A wage above 3.5, seen of those who work: the likelihood itself, since sampleSelection has no probit outcome.
seen <- Mroz87$lfp == 1
sign <- ifelse(Mroz87$wage > 3.5, 1, -1)
Z <- model.matrix(~ nwifeinc + educ + exper + I(exper^2) + age + kids5 + kids618, Mroz87)
X <- model.matrix(~ educ + exper + city, Mroz87)
minus <- function(p) {
  e <- drop(Z %*% p[1:8]); m <- sign * drop(X %*% p[9:12]); r <- tanh(p[13])
  -sum(log(ifelse(seen, pbivnorm(m, e, sign * r), pnorm(-e))))
}
start <- c(coef(glm(seen ~ Z - 1, family = binomial("probit"))),
           coef(glm(sign > 0 ~ X - 1, family = binomial("probit"), subset = seen)), 0)
made <- nlm(minus, start, gradtol = 1e-10, iterlim = 1000, typsize = start + 0.1, hessian = TRUE)
print(cbind(made$estimate, sqrt(diag(solve(made$hessian)))), digits = 9)
print(-made$minimum, digits = 12)
