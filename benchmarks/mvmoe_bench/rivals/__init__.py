"""What a dispatcher is compared with: whole models as one graph, made by the product's exporter."""
