// The GNU Linear Programming Kit, as libglpk-dev installs it.
#pragma once
#include <glpk.h>
