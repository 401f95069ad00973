"""Product photos from landing to gold, a day at a time, without losing one.

    landing -> bronze_images -> silver_images, thumbnails, watermarked_previews -> image_embeddings
            -> duplicate_images (against all earlier days)
            -> image_tags, image_captions, image_text, image_moderation
            -> rejected_images, gold_images -> daily_summary -> warehouse

Where do I go to …?
    change what is accepted, or add a format ...... imaging.inspect, imaging.formats
    change a size, a quality, the watermark ....... imaging.derivatives
    add a measure ................................. imaging.quality, then tables.images
    add a column or a table ....................... tables
    change when two spellings are one label ....... labels
    change what is told of an upload .............. steps.added_files, steps.uploads, steps.sidecar
    add a stage ................................... steps, then orchestration.assets
    change tags, policies ......................... models/vocabulary.yaml, models/policies.yaml
    change when two images are one photo .......... steps.duplicate_links, imaging.likeness, imaging.close_up
    add an encoder ................................ models
    change where bytes and rows live .............. lake
    run work elsewhere ............................ compute
    change what search finds, or how ............. steps.search, search
    erase an image, archive, compare recipes ...... steps.erasure, steps.archive, steps.table_diff
    find damaged files, bring them back ........... steps.scrub, steps.repair
    add a check, or move a threshold of drift ..... orchestration.checks, steps.drift
    change when things run ........................ orchestration.automation
    add a setting ................................. settings
    add a command ................................. cli
"""
