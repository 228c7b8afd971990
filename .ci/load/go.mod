module pickerd/.ci/load

go 1.26.0
