-- As the Northwind sample has them: keys by other names than Rowgate's, small integers, references everywhere.
CREATE TABLE categories (
    category_id smallint NOT NULL, category_name character varying(15) NOT NULL, description text, picture bytea,
    CONSTRAINT pk_categories PRIMARY KEY (category_id));
CREATE TABLE customers (
    customer_id character varying(5) NOT NULL, company_name character varying(40) NOT NULL, city character varying(15),
    CONSTRAINT pk_customers PRIMARY KEY (customer_id));
CREATE TABLE customer_demographics (
    customer_type_id character varying(5) NOT NULL, customer_desc text,
    CONSTRAINT pk_customer_demographics PRIMARY KEY (customer_type_id));
CREATE TABLE customer_customer_demo (
    customer_id character varying(5) NOT NULL, customer_type_id character varying(5) NOT NULL,
    CONSTRAINT pk_customer_customer_demo PRIMARY KEY (customer_id, customer_type_id),
    CONSTRAINT fk_demo_demographics FOREIGN KEY (customer_type_id) REFERENCES customer_demographics,
    CONSTRAINT fk_demo_customers FOREIGN KEY (customer_id) REFERENCES customers);
CREATE TABLE employees (
    employee_id smallint NOT NULL, last_name character varying(20) NOT NULL, reports_to smallint,
    CONSTRAINT pk_employees PRIMARY KEY (employee_id),
    CONSTRAINT fk_employees_employees FOREIGN KEY (reports_to) REFERENCES employees);
CREATE TABLE region (
    region_id smallint NOT NULL, region_description character varying(60) NOT NULL,
    CONSTRAINT pk_region PRIMARY KEY (region_id));
CREATE TABLE territories (
    territory_id character varying(20) NOT NULL, region_id smallint NOT NULL,
    CONSTRAINT pk_territories PRIMARY KEY (territory_id),
    CONSTRAINT fk_territories_region FOREIGN KEY (region_id) REFERENCES region);
CREATE TABLE employee_territories (
    employee_id smallint NOT NULL, territory_id character varying(20) NOT NULL,
    CONSTRAINT pk_employee_territories PRIMARY KEY (employee_id, territory_id),
    CONSTRAINT fk_employee_territories_territories FOREIGN KEY (territory_id) REFERENCES territories,
    CONSTRAINT fk_employee_territories_employees FOREIGN KEY (employee_id) REFERENCES employees);
CREATE TABLE suppliers (
    supplier_id smallint NOT NULL, company_name character varying(40) NOT NULL,
    CONSTRAINT pk_suppliers PRIMARY KEY (supplier_id));
CREATE TABLE shippers (
    shipper_id smallint NOT NULL, company_name character varying(40) NOT NULL,
    CONSTRAINT pk_shippers PRIMARY KEY (shipper_id));
CREATE TABLE products (
    product_id smallint NOT NULL, product_name character varying(40) NOT NULL, supplier_id smallint,
    category_id smallint, unit_price real, discontinued integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_products PRIMARY KEY (product_id),
    CONSTRAINT fk_products_categories FOREIGN KEY (category_id) REFERENCES categories,
    CONSTRAINT fk_products_suppliers FOREIGN KEY (supplier_id) REFERENCES suppliers);
CREATE TABLE orders (
    order_id smallint NOT NULL, customer_id character varying(5), employee_id smallint, order_date date,
    ship_via smallint, freight real,
    CONSTRAINT pk_orders PRIMARY KEY (order_id),
    CONSTRAINT fk_orders_customers FOREIGN KEY (customer_id) REFERENCES customers,
    CONSTRAINT fk_orders_employees FOREIGN KEY (employee_id) REFERENCES employees,
    CONSTRAINT fk_orders_shippers FOREIGN KEY (ship_via) REFERENCES shippers);
CREATE TABLE "Order Details" (
    "OrderID" smallint NOT NULL, "ProductID" smallint NOT NULL, "Unit Price" real NOT NULL, "Quantity" smallint NOT NULL,
    CONSTRAINT "pk_Order Details" PRIMARY KEY ("OrderID", "ProductID"),
    CONSTRAINT "CK_Quantity" CHECK ("Quantity" > 0),
    CONSTRAINT "FK_Order_Details_Products" FOREIGN KEY ("ProductID") REFERENCES products,
    CONSTRAINT "FK_Order_Details_Orders" FOREIGN KEY ("OrderID") REFERENCES orders);
CREATE VIEW "Order Subtotals" AS
    SELECT "OrderID", sum("Unit Price" * "Quantity") AS "Subtotal" FROM "Order Details" GROUP BY "OrderID";
INSERT INTO customers VALUES ('ALFKI', 'Alfreds Futterkiste', 'Berlin');
INSERT INTO products VALUES (1, 'Chai', NULL, NULL, 18, 0);
INSERT INTO orders VALUES (10248, 'ALFKI', NULL, '1996-07-04', NULL, 32.38);
INSERT INTO "Order Details" VALUES (10248, 1, 14, 12);
