"""The wish: the documents people write, their models and the one loader that reads them."""
