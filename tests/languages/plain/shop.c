// A plain component in C: it knows nothing of coworker, only its own shop.wit.

#include <stdlib.h>
#include <string.h>

#include "bindings/shop.h"

typedef exports_example_shop_orders_order_t order_t;
typedef exports_example_shop_orders_line_t line_t;
typedef exports_example_shop_orders_receipt_t receipt_t;
typedef exports_example_shop_orders_refusal_t refusal_t;

static const struct {
    const char *sku;
    uint32_t cents, in_stock;
} goods[] = {{"pen", 150, 40}, {"book", 1999, 3}};

static bool is(const shop_string_t *text, const char *other) {
    return text->len == strlen(other) && memcmp(text->ptr, other, text->len) == 0;
}

// Which of the goods it is, or -1.
static int find(const shop_string_t *sku) {
    for (int at = 0; at < (int)(sizeof goods / sizeof *goods); at++)
        if (is(sku, goods[at].sku)) return at;
    return -1;
}

static bool refuse(refusal_t *err, uint8_t why) {
    err->tag = why;
    return false;
}

static bool discounted(const order_t *order, uint64_t *cents) {
    switch (order->discount.tag) {
    case EXPORTS_EXAMPLE_SHOP_ORDERS_DISCOUNT_PERCENT:
        *cents -= *cents * (order->discount.val.percent > 100 ? 100 : order->discount.val.percent) / 100;
        return true;
    case EXPORTS_EXAMPLE_SHOP_ORDERS_DISCOUNT_COUPON:
        return false;
    default:
        return true;
    }
}

static bool total(const order_t *order, uint64_t *cents, refusal_t *err) {
    *cents = order->payment == EXPORTS_EXAMPLE_SHOP_ORDERS_PAYMENT_CARD ? 30 : 0;
    if (order->extras & EXPORTS_EXAMPLE_SHOP_ORDERS_EXTRAS_WRAPPED) *cents += 250;
    if (order->extras & EXPORTS_EXAMPLE_SHOP_ORDERS_EXTRAS_EXPRESS) *cents += 900;
    for (size_t at = 0; at < order->lines.len; at++) {
        const line_t *line = &order->lines.ptr[at];
        int good = find(&line->sku);
        if (good < 0) {
            shop_string_dup_n(&err->val.unknown, (const char *)line->sku.ptr, line->sku.len);
            return refuse(err, EXPORTS_EXAMPLE_SHOP_ORDERS_REFUSAL_UNKNOWN);
        }
        *cents += (uint64_t)goods[good].cents * line->count;
    }
    return true;
}

bool exports_example_shop_orders_price(order_t *order, receipt_t *ret, refusal_t *err) {
    if (order->lines.len == 0) return refuse(err, EXPORTS_EXAMPLE_SHOP_ORDERS_REFUSAL_EMPTY);
    if (!total(order, &ret->cents, err)) return false;
    if (!discounted(order, &ret->cents)) return refuse(err, EXPORTS_EXAMPLE_SHOP_ORDERS_REFUSAL_COUPON_EXPIRED);
    ret->packed.len = order->lines.len;
    ret->packed.ptr = malloc(ret->packed.len * sizeof *ret->packed.ptr);
    ret->note.is_some = false;
    for (size_t at = 0; at < order->lines.len; at++) {
        const line_t *line = &order->lines.ptr[at];
        shop_string_dup_n(&ret->packed.ptr[at].f0, (const char *)line->sku.ptr, line->sku.len);
        ret->packed.ptr[at].f1 = line->count;
        if (line->note.is_some && !ret->note.is_some) {
            ret->note.is_some = true;
            shop_string_dup_n(&ret->note.val, (const char *)line->note.val.ptr, line->note.val.len);
        }
    }
    return true;
}

void exports_example_shop_orders_stock(shop_list_string_t *skus,
                                       exports_example_shop_orders_list_result_u32_string_t *ret) {
    ret->len = skus->len;
    ret->ptr = malloc(ret->len * sizeof *ret->ptr);
    for (size_t at = 0; at < skus->len; at++) {
        int good = find(&skus->ptr[at]);
        ret->ptr[at].is_err = good < 0;
        if (good < 0)
            shop_string_dup(&ret->ptr[at].val.err, "never heard of it");
        else
            ret->ptr[at].val.ok = goods[good].in_stock;
    }
}
