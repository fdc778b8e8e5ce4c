# Compiles every file of the module with gcc and with clang, for scripts/check.
# core/ is compiled without nginx's include path, which proves that it does not
# need nginx.  Each header is compiled by itself, which proves that it includes
# everything it uses.
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

CORE_C := $(sort $(notdir $(wildcard $(MODULE)/core/*.c)))
CORE_H := $(sort $(notdir $(wildcard $(MODULE)/core/*.h)))
GLUE_C := $(sort $(notdir $(wildcard $(MODULE)/*.c)))

.PHONY: core-gcc core-clang core-headers glue-gcc glue-clang

core-gcc:     $(CORE_C:%.c=$(OUT)/core-gcc/%.o)
core-clang:   $(CORE_C:%.c=$(OUT)/core-clang/%.o)
core-headers: $(CORE_H:%.h=$(OUT)/core-headers/%.o)
glue-gcc:     $(GLUE_C:%.c=$(OUT)/glue-gcc/%.o)
glue-clang:   $(GLUE_C:%.c=$(OUT)/glue-clang/%.o)

define compile
$(OUT)/$1-$2/%.o: $(MODULE)/$3%.c | $(OUT)/$1-$2
	@$2 -c $$($4) -o $$@ $$<
endef

$(eval $(call compile,core,gcc,core/,CORE))
$(eval $(call compile,core,clang,core/,CORE))
$(eval $(call compile,glue,gcc,,GLUE))
$(eval $(call compile,glue,clang,,GLUE))

$(OUT)/core-headers/%.o: $(MODULE)/core/%.h | $(OUT)/core-headers
	@gcc -c $(CORE) -x c -include $< -o $@ /dev/null

$(foreach d,core-gcc core-clang core-headers glue-gcc glue-clang,$(OUT)/$d):
	@mkdir -p $@

-include $(wildcard $(OUT)/*/*.d)
