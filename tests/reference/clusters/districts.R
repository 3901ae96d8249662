# The Sforzi-ISTAT stages on country.csv, one local system at a time, by explicit counting.
# Run: Rscript districts.R   (base R; writes districts.csv)
p <- read.csv("country.csv", colClasses = c("character", "character", "character", "numeric", "numeric"))
out <- NULL
for (minimum in c(0, 250)) for (weighted in c(FALSE, TRUE)) {
  w <- if (weighted) p$weight else rep(1, nrow(p)); j <- w * p$employment
  m <- p$sector == "manufacturing"
  class <- ifelse(p$employment < 50, "small", ifelse(p$employment < 250, "medium", "large"))
  for (s in sort(unique(p$region))) {
    h <- p$region == s; E <- sum(j); Es <- sum(j[h])
    prevalence <- function(k) sum(j[h & p$sector == k]) - Es * sum(j[p$sector == k]) / E
    lq <- (sum(j[h & m]) / Es) / (sum(j[m]) / E)
    size_lq <- sapply(c("small", "medium", "large"), function(k)
      (sum(j[h & m & class == k]) / sum(j[h & m])) / (sum(j[m & class == k]) / sum(j[m])))
    best <- NA; jobs_above <- 0; best_lq <- NA
    for (i in unique(p$industry[m])) {
      local <- sum(j[h & p$industry == i]); expected <- sum(j[h & m]) * sum(j[p$industry == i]) / sum(j[m])
      if (expected > 0 && local / expected > 1 && local - expected > jobs_above) {
        best <- i; jobs_above <- local - expected; best_lq <- local / expected }
    }
    b <- h & m & p$industry %in% best
    sme <- sum(j[b & class != "large"]) / sum(j[b])
    stage <- if (!(lq > 1 && prevalence("manufacturing") > prevalence("business_services") &&
                   prevalence("manufacturing") > prevalence("consumer_services"))) "not manufacturing"
    else if (size_lq["large"] > max(size_lq[c("small", "medium")])) "large firms"
    else if (is.na(best)) "no main industry"
    else if (sme <= 0.5) "main industry of large firms"
    else if (sum(w[b & class == "medium"]) == 1 &&
             sum(j[b & class == "small"]) <= sum(j[b & class == "medium"])) "single medium firm"
    else if (sum(j[b]) < minimum) "too small" else "district"
    out <- rbind(out, data.frame(minimum, weighted, region = s, manufacturing_quotient = lq,
      quotient_small = size_lq[["small"]], quotient_large = size_lq[["large"]], main_industry = best,
      main_industry_quotient = best_lq, sme_share = sme, stage = stage))
  }
}
write.csv(format(out, digits = 14, trim = TRUE), "districts.csv", row.names = FALSE, quote = FALSE)
