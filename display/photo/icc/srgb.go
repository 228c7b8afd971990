package icc

import _ "embed" // for srgb

// SRGB is a profile of sRGB, version 4, with the colorants and the curve of IEC
// 61966-2-1 and no more tags than have to be there (ICC.1:2022, 8.3).
//
//go:embed srgb.icc
var SRGB string
