# Compiles every file of the module for the warnings of gcc and clang, for
# scripts/check.  core/ is compiled without nginx's include path, which proves
# that it does not need nginx.  Each header is compiled by itself, which proves
# that it includes everything it uses.
#
# scripts/build compiles the glue (all outside core/) with gcc and the same
# warnings.  clang has given all its warnings before it makes code, so it is
# told to make none.
#
# NGX_SRC is the directory of nginx's sources, NGX_OBJS that of configure's
# output.

TOP    := $(abspath .)
OUT    := $(TOP)/.build/check
MODULE := ngx_cigna_module
NGX    := src/core src/event src/event/modules src/os/unix src/http \
          src/http/modules src/http/v2 src/event/quic src/http/v3

WARN := -Wall -Wextra -Werror -O1 -MMD -MP
CORE := $(WARN) -std=gnu11 -Wpedantic -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -I$(MODULE)/core
GLUE := $(WARN) -Wno-unused-parameter -I$(MODULE) -I$(MODULE)/core \
        -isystem $(NGX_OBJS) $(NGX:%=-isystem $(NGX_SRC)/%)

CORE_C := $(shell find $(MODULE) -name 'cigna_*.c')
CORE_H := $(shell find $(MODULE) -name 'cigna_*.h')
GLUE_C := $(shell find $(MODULE) -name 'ngx_cigna_*.c')

# No two files have the same name, so all objects lie in one directory.

objects = $(patsubst %,$(OUT)/$1/%.o,$(basename $(notdir $2)))

.PHONY: core-gcc core-clang core-headers glue-clang

core-gcc:     $(call objects,core-gcc,$(CORE_C))
core-clang:   $(call objects,core-clang,$(CORE_C))
core-headers: $(call objects,core-headers,$(CORE_H))
glue-clang:   $(call objects,glue-clang,$(GLUE_C))

# An object's first prerequisite ("$<") is its source.

from = $(foreach f,$2,$(eval $(call objects,$1,$f): $f))

$(call from,core-gcc,$(CORE_C))
$(call objects,core-gcc,$(CORE_C)): | $(OUT)/core-gcc
	@gcc -c $(CORE) -o $@ $<

define clang
$(call from,$1-clang,$($2_C))
$(call objects,$1-clang,$($2_C)): | $(OUT)/$1-clang
	@clang -fsyntax-only $$($2) -MT $$@ -MF $$(@:.o=.d) $$<
	@touch $$@
endef

$(eval $(call clang,core,CORE))
$(eval $(call clang,glue,GLUE))

$(call from,core-headers,$(CORE_H))
$(call objects,core-headers,$(CORE_H)): | $(OUT)/core-headers
	@gcc -c $(CORE) -x c -include $< -o $@ /dev/null

$(foreach d,core-gcc core-clang core-headers glue-clang,$(OUT)/$d):
	@mkdir -p $@

# After a file has moved, old .d files still name its former path.  This empty
# rule keeps make from failing.
$(MODULE)/%.c $(MODULE)/%.h: ;

-include $(wildcard $(OUT)/*/*.d)
