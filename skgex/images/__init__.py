"""Images: folders by class, and detectors made for them."""
