"""Product photos from landing to gold, a day at a time, without losing one.

    landing -> bronze_images -> silver_images, thumbnails, watermarked_previews -> image_embeddings
            -> rejected_images, gold_images -> daily_summary -> warehouse

Where do I go to …?
    change what is accepted, or add a format ...... imaging.inspect, imaging.formats
    change a size, a quality, the watermark ....... imaging.derivatives
    add a measure ................................. imaging.quality, then tables.images
    add a column or a table ....................... tables
    add a stage ................................... steps, then orchestration.assets
    add an encoder ................................ models
    change where bytes and rows live .............. lake
    run work elsewhere ............................ compute
    add a setting ................................. settings
    add a command ................................. cli
"""
