"""Handlers of the shop: `rowgate serve --protos protos --handlers app.py`."""

from shop.v1.shop_pb2 import (
    CreateOrderRequest,
    GetProductRequest,
    Order,
    PlaceOrderRequest,
    Product,
    RankProductsRequest,
    RankProductsResponse,
    RestockProductsRequest,
    RestockProductsResponse,
    UpdateProductRequest,
)
from shop.v1.shop_pb2_grpc import (
    OrderServiceServicer,
    OrderServiceStub,
    ProductServiceServicer,
    ProductServiceStub,
)
from sqlalchemy import select

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

    async def RankProducts(self, request: RankProductsRequest, context: Context) -> RankProductsResponse:
        """Ask the database itself."""
        rows = await context.rowgate.fetch(
            'SELECT sku FROM public."order" GROUP BY sku ORDER BY sum(count) DESC, sku LIMIT :limit',
            limit=request.limit or 10,
        )
        return RankProductsResponse(skus=[row["sku"] for row in rows])


class Products(ProductServiceServicer):
    """Answers one method; the gateway answers the others."""

    async def RestockProducts(
        self, request: RestockProductsRequest, context: Context
    ) -> RestockProductsResponse:
        """Change rows as objects of SQLAlchemy's."""
        product = context.rowgate.model(Product)

        async def restock(rowgate: Rowgate) -> list[str]:
            async with rowgate.session() as session:
                few = select(product).where(product.stock < request.stock).order_by(product.sku)
                found = list((await session.execute(few)).scalars())
                for one in found:
                    one.stock = request.stock
            return [one.sku for one in found]

        return RestockProductsResponse(skus=await context.rowgate.transact(restock))


@before("shop.v1.ProductService/UpdateProduct")
async def refuse_gifts(request: UpdateProductRequest, context: Context) -> None:
    """Refuse a price of nothing."""
    if "price_cents" in request.update_mask.paths and request.product.price_cents <= 0:
        raise InvalidArgument.field("product.price_cents", "is no price", reason="NO_PRICE")
