# Coefficients, errors and log likelihoods of counts with zeros of two kinds; prints what counts.json holds.
library(pscl)
data(bioChemists, package = "pscl")
all <- art ~ fem + mar + kid5 + phd + ment
fits <- list(
  zip = zeroinfl(all, bioChemists, reltol = 1e-14),
  zip_constant = zeroinfl(art ~ fem + mar + kid5 + phd + ment | 1, bioChemists, reltol = 1e-14),
  hurdle = hurdle(all, bioChemists, reltol = 1e-14)
)
for (name in names(fits)) {
  cat(name, format(as.numeric(logLik(fits[[name]])), digits = 13), "\n")
  print(lapply(summary(fits[[name]])$coefficients, function(m) m[, 1:2]), digits = 9)
}
