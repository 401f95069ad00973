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
    change what is told of an upload .............. steps.images
    add a stage ................................... docs/how-to/add-a-stage.md
    change tags, policies ......................... models.zero_shot (two YAML files)
    have a classifier look at pictures ............ models.moderation
    change when two images are one photo .......... steps.duplicates, imaging.likeness, imaging.close_up
    add an encoder ................................ models.encoders
    change where bytes and rows live .............. lake
    run work elsewhere, on several machines ....... compute, compute.cluster
    publish gold elsewhere ........................ publishing, steps.publishing
    change what search finds, or how ............. steps.search, search
    erase an image, archive, compare recipes ...... steps.upkeep, steps.questions
    find damaged files, bring them back ........... steps.upkeep
    add a check, or move a threshold of drift ..... steps.audits, orchestration.checks
    change when things run ........................ orchestration.automation
    add a setting ................................. settings, and configuration if it may change while all runs
    add a command ................................. cli
    add a route, give an error its status ......... serving
    say who may do what ........................... access
    call the service .............................. client
"""
