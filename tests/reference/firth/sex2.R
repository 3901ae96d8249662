# Penalised likelihood-ratio tests and profile-likelihood intervals of logistf 1.26 on its own data `sex2`.
suppressMessages(library(logistf))
data(sex2)
write.csv(sex2, "sex2.csv", row.names = FALSE)
tight <- logistf.control(maxit = 1000, xconv = 1e-12, lconv = 1e-12, gconv = 1e-12)
fit <- logistf(case ~ age + oc + vic + vicl + vis + dia, sex2, control = tight,
               plcontrol = logistpl.control(maxit = 2000))
table <- cbind(estimate = coef(fit), lower = fit$ci.lower, upper = fit$ci.upper,
               chi2 = qchisq(1 - fit$prob, 1), p = fit$prob)
write.csv(round(table, 8), "sex2_logistf.csv")
