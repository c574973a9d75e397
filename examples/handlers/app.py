"""Handlers of the shop: `rowgate serve --protos protos --handlers app.py`."""

from shop.v1.shop_pb2 import (
    CreateOrderRequest,
    GetProductRequest,
    Order,
    PlaceOrderRequest,
    UpdateProductRequest,
)
from shop.v1.shop_pb2_grpc import OrderServiceServicer, OrderServiceStub, ProductServiceStub

from gateway.handlers import Context, FailedPrecondition, InvalidArgument, Isolation, Rowgate, before


class Orders(OrderServiceServicer):
    """Takes orders."""

    async def PlaceOrder(self, request: PlaceOrderRequest, context: Context) -> Order:
        """Take what is ordered out of the stock, and keep the order: both or neither."""
        if request.count < 1:
            raise InvalidArgument.field("count", "is less than one", reason="NOTHING_ORDERED")

        async def place(rowgate: Rowgate) -> Order:
            products, orders = rowgate.stub(ProductServiceStub), rowgate.stub(OrderServiceStub)
            product = await products.GetProduct(GetProductRequest(sku=request.sku))
            if product.stock < request.count:
                left = {"left": str(product.stock)}
                raise FailedPrecondition("too few are left", reason="SOLD_OUT", metadata=left)
            product.stock -= request.count
            await products.UpdateProduct(
                UpdateProductRequest(product=product, update_mask={"paths": ["stock"]})
            )
            cents = request.count * product.price_cents
            order = Order(sku=request.sku, count=request.count, total_cents=cents)
            return await orders.CreateOrder(CreateOrderRequest(order=order))

        return await context.rowgate.transact(place, isolation=Isolation.SERIALIZABLE)


@before("shop.v1.ProductService/UpdateProduct")
async def refuse_gifts(request: UpdateProductRequest, context: Context) -> None:
    """Refuse a price of nothing."""
    if "price_cents" in request.update_mask.paths and request.product.price_cents <= 0:
        raise InvalidArgument.field("product.price_cents", "is no price", reason="NO_PRICE")
